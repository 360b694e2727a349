import dev.hackleak.HackLeak;

/**
 * Natives bound by {@code RegisterNatives}. {@code plant} is bound to a function that leaks 1,999,993 bytes, then bound
 * again to one that leaks 2,999,999; unregistered, it must not be callable.
 */
public class RegisteredNatives {
  static native void plant();

  static native void register(int which);

  static void caller() {
    plant(); // here: call
  }

  public static void main(String[] args) {
    HackLeak.checkpoint("start");
    System.load(System.getProperty("victim.library"));
    register(1);
    caller();
    register(2);
    caller();
    register(0);
    try {
      caller();
      System.out.println("called");
    } catch (UnsatisfiedLinkError e) {
      System.out.println("unlinked");
    }
  }
}
