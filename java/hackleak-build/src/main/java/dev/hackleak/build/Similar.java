package dev.hackleak.build;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/** Which of some names was meant by one that is none of them. */
public final class Similar {
  private static final int MOST_CHANGES = 2;

  private Similar() {}

  /** The most similar one, if it is similar enough to be a typing error; never the name itself. */
  public static Optional<String> to(String name, Collection<String> names) {
    return names.stream()
        .filter(known -> !known.equals(name))
        .filter(known -> changes(name, known) <= Math.min(MOST_CHANGES, known.length() / 3))
        .min(Comparator.comparingInt(known -> changes(name, known)));
  }

  /** How many letters must be changed, put in, taken away, or swapped with the next one. */
  private static int changes(String one, String other) {
    String from = one.toLowerCase(Locale.ROOT);
    String to = other.toLowerCase(Locale.ROOT);
    int[][] cost = new int[from.length() + 1][to.length() + 1];
    for (int i = 0; i <= from.length(); i++) {
      for (int j = 0; j <= to.length(); j++) {
        if (i == 0 || j == 0) {
          cost[i][j] = i + j;
          continue;
        }
        int same = from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1;
        int least = Math.min(cost[i - 1][j], cost[i][j - 1]) + 1;
        least = Math.min(least, cost[i - 1][j - 1] + same);
        if (i > 1
            && j > 1
            && from.charAt(i - 1) == to.charAt(j - 2)
            && from.charAt(i - 2) == to.charAt(j - 1)) {
          least = Math.min(least, cost[i - 2][j - 2] + 1);
        }
        cost[i][j] = least;
      }
    }
    return cost[from.length()][to.length()];
  }
}
