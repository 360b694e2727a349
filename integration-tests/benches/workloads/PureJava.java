import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** {@code PureJava ROUNDS}: maps, strings, streams, regular expressions and garbage; no natives of its own. */
public class PureJava {
  public static void main(String[] args) {
    int rounds = Integer.parseInt(args[0]);
    long sum = 0;
    Pattern word = Pattern.compile("([a-z]+)-([0-9]+)");
    for (int round = 0; round < rounds; round++) {
      Map<String, List<Integer>> groups = new HashMap<>();
      for (int i = 0; i < 20_000; i++) {
        groups.computeIfAbsent("group-" + i % 977, key -> new ArrayList<>()).add(i);
      }
      sum += groups.keySet().stream().filter(key -> word.matcher(key).matches()).count();
      sum += groups.values().stream().flatMap(List::stream).sorted().collect(Collectors.toList()).size();
    }
    if (sum != rounds * (977L + 20_000L)) {
      throw new IllegalStateException("sum " + sum);
    }
  }
}
