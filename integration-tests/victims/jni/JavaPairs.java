import dev.hackleak.HackLeak;

/**
 * {@code JavaPairs THREADS PAIRS}: many short JNI calls on many threads, from Java stacks of changing depth, compiled in
 * the middle. All blocks are freed, except one of 1,999,993 bytes for each thread with the third argument {@code leak}.
 */
public class JavaPairs {
  static native long allocate(int bytes);

  static native void free(long block);

  static long deeper(int depth, int bytes) {
    return depth == 0 ? allocate(bytes) : deeper(depth - 1, bytes);
  }

  static void work(int pairs, boolean leak) {
    long[] pool = new long[64];
    for (int i = 0; i < pairs; i++) {
      int slot = (i * 31) & 63;
      if (pool[slot] != 0) {
        free(pool[slot]);
      }
      pool[slot] = deeper(i % 20, 1 + i % 300);
    }
    for (long block : pool) {
      if (block != 0) {
        free(block);
      }
    }
    if (leak) {
      allocate(1_999_993); // here: leak
    }
  }

  public static void main(String[] args) throws InterruptedException {
    HackLeak.checkpoint("start");
    System.load(System.getProperty("victim.library"));
    Thread[] threads = new Thread[Integer.parseInt(args[0])];
    int pairs = Integer.parseInt(args[1]) / threads.length;
    boolean leak = args.length > 2;
    for (int i = 0; i < threads.length; i++) {
      threads[i] = new Thread(() -> work(pairs, leak));
      threads[i].start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
  }
}
