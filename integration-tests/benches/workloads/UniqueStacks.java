/** {@code UniqueStacks PAIRS REPEATS}: ns of processor time for one {@code new}+{@code delete} pair where nearly every native stack is a new one. */
public class UniqueStacks {
  static native double pairs(int pairs);

  public static void main(String[] args) {
    System.load(System.getProperty("workload.library"));
    int pairs = Integer.parseInt(args[0]);
    int repeats = Integer.parseInt(args[1]);
    pairs(pairs / 10);
    for (int i = 0; i < repeats; i++) {
      System.out.println("result pair " + pairs(pairs));
    }
  }
}
