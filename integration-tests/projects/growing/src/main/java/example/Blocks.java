package example;

/** A block that Java owns, and a list that native code only ever adds to. */
public final class Blocks implements AutoCloseable {
  static {
    System.load(System.getProperty("jni.library"));
  }

  private final long address = allocate();

  @Override
  public void close() {
    free(address);
  }

  /** Adds a block to a list of the library. */
  public static native void register();

  private static native long allocate();

  private static native void free(long address);
}
