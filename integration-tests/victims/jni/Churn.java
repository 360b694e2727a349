import dev.hackleak.HackLeak;

/** {@code Churn PAIRS DEPTH}: prints the ns that one {@code new}+{@code delete} pair takes, below one JNI call. For the bench. */
public class Churn {
  static native long churn(int pairs, int depth);

  public static void main(String[] args) {
    HackLeak.checkpoint("start");
    System.load(System.getProperty("victim.library"));
    int pairs = Integer.parseInt(args[0]);
    int depth = Integer.parseInt(args[1]);
    churn(pairs / 10, depth);
    double best = Double.MAX_VALUE;
    for (int i = 0; i < 5; i++) {
      long start = System.nanoTime();
      churn(pairs / 5, depth);
      best = Math.min(best, (System.nanoTime() - start) / (pairs / 5.0));
    }
    System.out.println("result " + best);
  }
}
