package example;

/** Native blocks of 1,999,993 bytes. */
final class Blocks {
  static {
    System.load(System.getProperty("jni.libraries") + "/libblocks.so");
  }

  private Blocks() {}

  static native void freeRight();

  /** {@code new[]} and then {@code delete}. */
  static native void freeMismatched();

  static native void leak();
}
