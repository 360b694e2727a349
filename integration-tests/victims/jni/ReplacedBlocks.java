import dev.hackleak.HackLeak;
import dev.hackleak.LeakError;

/**
 * {@code ReplacedBlocks LEAKED FREED}: leaks blocks of 1,999,993 bytes and frees as many or more older ones of the same
 * size, of which there are five; then asserts, and prints what the assertion says.
 */
public class ReplacedBlocks {
  static native long allocate(int bytes);

  static native void free(long block);

  static void body(int leaked, long[] older, int freed) {
    for (int i = 0; i < leaked; i++) {
      allocate(1_999_993);
    }
    for (int i = 0; i < freed; i++) {
      free(older[i]);
    }
  }

  public static void main(String[] args) {
    HackLeak.isActive();
    System.load(System.getProperty("victim.library"));
    long[] older = new long[5];
    for (int i = 0; i < older.length; i++) {
      older[i] = allocate(1_999_993);
    }
    HackLeak.checkpoint("body");
    body(Integer.parseInt(args[0]), older, Integer.parseInt(args[1]));
    try {
      HackLeak.assertNoLeaks();
      System.out.println("passed");
    } catch (LeakError e) {
      System.out.println("failed: " + e.report().blocks() + " blocks, " + e.report().bytes() + " bytes");
      System.err.println(e.getMessage());
    }
  }
}
