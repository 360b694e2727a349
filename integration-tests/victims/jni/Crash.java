import dev.hackleak.HackLeak;

/** Leaks 3 blocks of 1,999,993 bytes and crashes the JVM in native code. */
public class Crash {
  static native void plant();

  static native void crash();

  static void caller() {
    plant();
  }

  public static void main(String[] args) {
    HackLeak.checkpoint("start");
    System.load(System.getProperty("victim.library"));
    for (int i = 0; i < 3; i++) {
      caller();
    }
    crash();
  }
}
