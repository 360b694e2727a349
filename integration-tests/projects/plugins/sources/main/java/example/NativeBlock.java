package example;

/** A block of native memory that somebody has to free. */
public final class NativeBlock implements AutoCloseable {
  static {
    System.load(System.getProperty("jni.library"));
  }

  private final long address;

  public NativeBlock(int bytes) {
    address = allocate(bytes);
  }

  @Override
  public void close() {
    release(address);
  }

  private static native long allocate(int bytes);

  private static native void release(long address);
}
