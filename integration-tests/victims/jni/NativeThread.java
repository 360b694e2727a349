import dev.hackleak.HackLeak;

/**
 * Native code starts a thread. It leaks 1,999,993 bytes as a stranger to the JVM; attached to it, it calls {@code callback},
 * whose native {@code plant} leaks 2,999,999; detached again, it leaks 999,983.
 */
public class NativeThread {
  static native void start();

  static native void plant();

  static void callback() {
    plant(); // here: callback
  }

  public static void main(String[] args) {
    HackLeak.checkpoint("start");
    System.load(System.getProperty("victim.library"));
    start();
  }
}
