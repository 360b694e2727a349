import dev.hackleak.HackLeak;
import dev.hackleak.LeakCheck;

/** {@code LiveBlocks BLOCKS ROUNDS}: µs for a checkpoint, a small leakless JNI call and the assertion, while older blocks are live. */
public class LiveBlocks {
  static native void keep(long blocks);

  static native int pair(int count);

  public static void main(String[] args) {
    System.load(System.getProperty("workload.library"));
    keep(Long.parseLong(args[0]));
    int rounds = Integer.parseInt(args[1]);
    LeakCheck check = LeakCheck.standard().settling(false);
    for (int i = 0; i < rounds; i++) {
      long start = System.nanoTime();
      HackLeak.checkpoint();
      long taken = System.nanoTime();
      pair(16);
      long worked = System.nanoTime();
      HackLeak.assertNoLeaks(check);
      long end = System.nanoTime();
      System.out.println("result round " + (end - start) / 1e3);
      System.out.println("result checkpoint " + (taken - start) / 1e3);
      System.out.println("result assertion " + (end - worked) / 1e3);
    }
  }
}
