package dev.hackleak;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;

/** A check of kinds that nobody tracks, which passes whatever leaks. */
final class Untracked {
  private static final AtomicBoolean TOLD = new AtomicBoolean();

  private Untracked() {}

  /** What is to be said of a check that found nothing; the first one in a JVM is told on stderr. */
  static Optional<String> note(Recorder recorder, Checkpoint since, LeakCheck check) {
    Set<LeakKind> kinds = check.kinds();
    // Pools are no kind of the option.
    if (kinds.isEmpty() || kinds.contains(LeakKind.POOL)) {
      return Optional.empty();
    }
    String track = recorder.describe().track();
    List<String> tracked = Arrays.asList(track.split("\\+"));
    if (track.isEmpty() || kinds.stream().map(LeakKind::option).anyMatch(tracked::contains)) {
      return Optional.empty();
    }
    String wanted = kinds.stream().map(LeakKind::option).collect(Collectors.joining("+"));
    String note =
        "the check is for "
            + wanted
            + " alone, and none of that is tracked, so it can find nothing: record with track="
            + track
            + "+"
            + wanted;
    if (TOLD.compareAndSet(false, true)) {
      System.err.println("hackleak: `" + since.label().orElse("a check") + "`: " + note);
    }
    return Optional.of(note);
  }
}
