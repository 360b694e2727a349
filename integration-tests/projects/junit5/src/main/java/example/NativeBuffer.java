package example;

/** Native memory that somebody has to close. */
public final class NativeBuffer implements AutoCloseable {
  /** A size that nothing else in a JVM asks for. */
  public static final int BYTES = 1_999_993;

  static {
    System.load(System.getProperty("jni.library"));
  }

  private long address = allocate(BYTES);

  @Override
  public void close() {
    free(address);
    address = 0;
  }

  boolean isOpen() {
    return address != 0;
  }

  /** Frees the memory without the buffer, which a Cleaner must not hold. */
  Runnable closer() {
    long owned = address;
    return () -> free(owned);
  }

  private static native long allocate(int bytes);

  private static native void free(long address);
}
