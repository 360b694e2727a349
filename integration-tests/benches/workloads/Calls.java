import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;

/**
 * {@code Calls CALLS REPEATS}: ns of processor time for one short JNI call, from 10 and from 60
 * Java frames, that allocates and frees one block; that allocates nothing; and that creates what
 * the next call destroys.
 */
public class Calls {
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  static native int pair(int size);

  static native int nothing(int value);

  static native long create(int size);

  static native void destroy(long handle);

  public static void main(String[] args) {
    System.load(System.getProperty("workload.library"));
    int calls = Integer.parseInt(args[0]);
    int repeats = Integer.parseInt(args[1]);
    // `main`, the frames below, the loop's and the native method count too.
    below(6, calls, repeats, "frames10");
    below(56, calls, repeats, "frames60");
  }

  static void below(int frames, int calls, int repeats, String name) {
    if (frames > 0) {
      below(frames - 1, calls, repeats, name);
      return;
    }
    pairs(calls / 4);
    nothings(calls / 4);
    handles(calls / 8);
    for (int i = 0; i < repeats; i++) {
      System.out.println("result " + name + ".allocating " + pairs(calls));
      System.out.println("result " + name + ".empty " + nothings(calls));
      System.out.println("result " + name + ".handle " + handles(calls / 2));
    }
  }

  static double pairs(int calls) {
    int sum = 0;
    long start = THREADS.getCurrentThreadCpuTime();
    for (int i = 0; i < calls; i++) {
      sum += pair(16 + (i & 255));
    }
    return cost(start, calls, sum);
  }

  static double nothings(int calls) {
    int sum = 0;
    long start = THREADS.getCurrentThreadCpuTime();
    for (int i = 0; i < calls; i++) {
      sum += nothing(i);
    }
    return cost(start, calls, sum);
  }

  // Two calls, as a Java object makes that owns a native one.
  static double handles(int pairs) {
    long sum = 0;
    long start = THREADS.getCurrentThreadCpuTime();
    for (int i = 0; i < pairs; i++) {
      long handle = create(16 + (i & 255));
      sum += handle & 7;
      destroy(handle);
    }
    return cost(start, pairs, sum);
  }

  static double cost(long start, int calls, long sum) {
    double cost = (double) (THREADS.getCurrentThreadCpuTime() - start) / calls;
    if (sum == 42) {
      System.out.println();
    }
    return cost;
  }
}
