package example;

/** Native memory of any size. */
public final class Block {
  static {
    System.load(System.getProperty("jni.library"));
  }

  private Block() {}

  public static native long allocate(int bytes);

  public static native void free(long address);
}
