package example;

/** A library whose allocations no recorder sees. */
final class Hidden {
  static {
    System.load(System.getProperty("jni.libraries") + "/libhidden.so");
  }

  private Hidden() {}

  static native void leak();
}
