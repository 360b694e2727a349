import generated.Callers;

/** Leaks one block through {@code new} and one through {@code malloc} from each generated caller, and frees ten others there. */
public class Planted {
  public static void main(String[] args) {
    System.load(System.getProperty("workload.library"));
    Callers.all();
  }
}
