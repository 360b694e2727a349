package leak;

/** The native side of the UDFs. */
public final class Native {
  static {
    System.load(System.getProperty("leak.library"));
  }

  private Native() {}

  public static native void leakNew(int bytes);

  public static native void leakMalloc(int bytes);

  public static native void clean(int bytes);
}
