import dev.hackleak.HackLeak;

/**
 * {@code Recursion DEPTH}: a native method and a Java method call each other DEPTH times, allocating on the way down and
 * up; the blocks are freed except one of 1,999,993 bytes at the bottom and one of 2,999,999 on the way up at the top.
 */
public class Recursion {
  static native void down(int depth);

  static void step(int depth) {
    down(depth);
  }

  public static void main(String[] args) {
    HackLeak.checkpoint("start");
    System.load(System.getProperty("victim.library"));
    step(Integer.parseInt(args[0]));
  }
}
