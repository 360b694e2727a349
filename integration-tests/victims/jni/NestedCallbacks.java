import dev.hackleak.HackLeak;

/**
 * Java → native → Java → native: {@code outer} calls native {@code first}, which calls {@code middle}, which calls native
 * {@code second}. Leaks one block of 1,000,003 bytes in {@code first} before the callback, one of 1,999,993 in {@code
 * second}, and one of 1,000,033 in {@code first} after it.
 */
public class NestedCallbacks {
  static native void first();

  static native void second();

  static void middle() {
    second(); // here: middle
  }

  static void outer() {
    first(); // here: outer
  }

  public static void main(String[] args) {
    HackLeak.checkpoint("start");
    System.load(System.getProperty("victim.library"));
    for (int i = 0; i < 5; i++) {
      outer();
    }
  }
}
