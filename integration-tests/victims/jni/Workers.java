import dev.hackleak.HackLeak;
import dev.hackleak.LeakError;

/** Blocks that a thread of a library's has an address of on its stack, an old one or not. */
public final class Workers {
  private Workers() {}

  /** A thread makes {@code blocks} blocks, has the address of the last, and waits or goes on. */
  static native void work(int blocks, boolean waits);

  /** Ends the thread, which frees the last block. */
  static native void end();

  public static void main(String[] arguments) {
    System.load(System.getProperty("victim.library"));
    int blocks = Integer.parseInt(arguments[0]);
    boolean waits = Boolean.parseBoolean(arguments[1]);
    for (int i = 0; i < 3; i++) {
      HackLeak.checkpoint("round " + i);
      work(blocks, waits);
      long lost = 0;
      try {
        HackLeak.assertNoLeaks();
      } catch (LeakError e) {
        lost = e.report().count();
      }
      System.out.println("lost " + lost);
      end();
    }
  }
}
