import dev.hackleak.HackLeak;

/** Takes every kind of JNI resource; with the argument {@code leak}, some are not given back. */
public class Resources {
  static native void global(Object object, boolean release);

  static native void weak(Object object, boolean release);

  static native void elements(int[] array, boolean release);

  static native void critical(byte[] array, int takes, int releases);

  static native void utf(String text, boolean release);

  static native void chars(String text, boolean release);

  static native void monitor(Object object, int enters, int exits);

  static void round(boolean release) {
    Object object = new Object();
    for (int i = 0; i < 3; i++) {
      global(object, release); // here: global
    }
    weak(object, release);
    for (int i = 0; i < 4; i++) {
      elements(new int[499_999], release);
    }
    elements(new int[0], release);
    critical(new byte[1000], 3, release ? 3 : 1);
    utf("abcdefg", release);
    chars("hijkl", release);
    monitor(object, 3, release ? 3 : 2);
  }

  public static void main(String[] args) {
    System.load(System.getProperty("victim.library"));
    HackLeak.checkpoint("start");
    for (int i = 0; i < 1000; i++) {
      round(true);
    }
    if (args[0].equals("leak")) {
      round(false);
    }
  }
}
