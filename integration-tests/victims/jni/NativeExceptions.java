import dev.hackleak.HackLeak;

/**
 * Native methods that end with a Java exception, with or without a native exception inside, many times and below each
 * other; then {@code plant} leaks 1,999,993 bytes, whose stack must not show any of the calls that were left by exception.
 */
public class NativeExceptions {
  static native void thrower(int depth);

  static native void plant();

  static void again(int depth) {
    thrower(depth);
  }

  static void provoke(int depth) {
    try {
      again(depth);
      System.out.println("nothing was thrown");
    } catch (IllegalStateException e) {
      if (!"from native".equals(e.getMessage())) {
        System.out.println(e);
      }
    }
  }

  static void caller() {
    plant(); // here: call
  }

  public static void main(String[] args) {
    HackLeak.checkpoint("start");
    System.load(System.getProperty("victim.library"));
    for (int i = 0; i < 1000; i++) {
      provoke(i % 5);
    }
    caller();
    System.out.println("done");
  }
}
