package dev.hackleak;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;

/**
 * A look for the leaks of a test that no other one ran beside. It takes a while, and looks at the
 * whole process. Another test may begin meanwhile, and what that one leaks is not this one's.
 */
final class LoneLook {
  private static final String NOT_TOLD =
      "another test has begun while this one was looked at, and on a virtual thread nobody knows"
          + " whose the leaks are: this test was not checked";

  private LoneLook() {}

  /**
   * What the test has leaked.
   *
   * @param scope the test's own; 0 without one
   */
  static LeakReport of(Checkpoint since, LeakCheck check, int scope) {
    LeakReport report = HackLeak.leaksSince(since, check);
    if (!report.fails() || !ParallelRun.isParallel()) {
      return report;
    }
    report.json().ifPresent(LoneLook::delete);
    if (scope == 0) {
      List<String> note = Collections.singletonList(NOT_TOLD);
      return new LeakReport(0, 0, Collections.emptyList(), note, null, note);
    }
    return HackLeak.leaksSince(since, check.in(scope, Ownership.OWNED));
  }

  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      // Then a file says of this test what is no longer so.
    }
  }
}
