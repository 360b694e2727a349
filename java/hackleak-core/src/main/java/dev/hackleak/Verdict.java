package dev.hackleak;

import java.util.concurrent.atomic.AtomicBoolean;

/** Where every assertion ends: with an error, a notice, or nothing. */
final class Verdict {
  private static final AtomicBoolean INVALID_FREES_TOLD = new AtomicBoolean();

  private Verdict() {}

  /**
   * @throws LeakError if the report fails an assertion
   */
  static void on(LeakReport report) {
    if (report.fails()) {
      throw new LeakError(report);
    }
    if (!report.invalidFrees().isEmpty() && INVALID_FREES_TOLD.compareAndSet(false, true)) {
      System.err.println(
          "hackleak: invalid frees, which HACKLEAK_OPTIONS=invalid-frees=fail would make a failure;"
              + " later ones are not told here, `hackleak report` has them all\n"
              + report);
    }
  }
}
