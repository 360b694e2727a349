package dev.hackleak;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A check as arguments of the reporter. */
final class CheckArguments {
  private CheckArguments() {}

  static List<String> of(LeakCheck check) {
    List<String> arguments = new ArrayList<>();
    if (check.scope != 0) {
      arguments.addAll(Arrays.asList("--scope", Integer.toString(check.scope)));
    }
    if (check.ownership == Ownership.OWNED) {
      arguments.add("--owned");
    } else if (check.ownership == Ownership.UNOWNED) {
      arguments.add("--unowned");
    }
    if (!check.kinds().isEmpty()) {
      arguments.add("--kinds");
      arguments.add(check.kinds().stream().map(LeakKind::option).collect(Collectors.joining("+")));
    }
    Held decided = check.held();
    if (decided != Held.DEFAULT) {
      arguments.addAll(Arrays.asList("--held", decided.option()));
    }
    if (check.rounds.length > 0) {
      arguments.add("--rounds");
      arguments.add(
          IntStream.of(check.rounds).mapToObj(Integer::toString).collect(Collectors.joining(",")));
    }
    if (check.fewestTests > 0) {
      arguments.addAll(Arrays.asList("--tests", Integer.toString(check.fewestTests)));
    }
    if (!check.fell.isEmpty()) {
      arguments.add("--fell");
      arguments.add(check.fell.stream().map(String::valueOf).collect(Collectors.joining(",")));
    }
    if (check.allowedBytes() >= 0) {
      arguments.addAll(Arrays.asList("--allow-bytes", Long.toString(check.allowedBytes())));
    }
    if (check.allowedBlocks() >= 0) {
      arguments.addAll(Arrays.asList("--allow-blocks", Long.toString(check.allowedBlocks())));
    }
    Boolean failOnKnown = check.failOnKnown;
    String known = failOnKnown == null ? SystemProperties.known() : failOnKnown ? "fail" : "note";
    if (known != null) {
      arguments.addAll(Arrays.asList("--known", known));
    }
    check.suppressed().forEach(pattern -> arguments.add("--suppress=" + pattern));
    return arguments;
  }
}
