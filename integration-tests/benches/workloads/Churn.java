import java.util.concurrent.CyclicBarrier;

/**
 * {@code Churn PAIRS REPEATS}: ns of processor time for one {@code new}+{@code delete} pair below a
 * JNI call, at native depth 5, 20 and 60, on 1, 2 and 4 threads; and for {@code malloc}+{@code
 * free} on one thread.
 */
public class Churn {
  static native double pair(int pairs, int depth, boolean malloc);

  public static void main(String[] args) throws Exception {
    System.load(System.getProperty("workload.library"));
    int pairs = Integer.parseInt(args[0]);
    int repeats = Integer.parseInt(args[1]);
    for (int depth : new int[] {5, 20, 60}) {
      for (int threads : new int[] {1, 2, 4}) {
        cell("depth" + depth + ".threads" + threads, pairs, repeats, depth, threads, false);
      }
      cell("depth" + depth + ".malloc", pairs, repeats, depth, 1, true);
    }
  }

  static void cell(String name, int pairs, int repeats, int depth, int threads, boolean malloc) throws Exception {
    double[][] costs = new double[threads][repeats];
    CyclicBarrier together = new CyclicBarrier(threads);
    Thread[] all = new Thread[threads];
    for (int t = 0; t < threads; t++) {
      double[] own = costs[t];
      all[t] =
          new Thread(
              () -> {
                pair(pairs / 10, depth, malloc);
                try {
                  together.await();
                } catch (Exception e) {
                  throw new IllegalStateException(e);
                }
                for (int i = 0; i < repeats; i++) {
                  own[i] = pair(pairs, depth, malloc);
                }
              });
      all[t].start();
    }
    for (Thread thread : all) {
      thread.join();
    }
    for (double[] own : costs) {
      for (double cost : own) {
        System.out.println("result " + name + " " + cost);
      }
    }
  }
}
