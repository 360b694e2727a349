package dev.hackleak;

import java.util.function.Supplier;

/**
 * What an assertion came to. It is kept in the image, so that a report on many processes can list
 * tests with their results. The numbers are those of {@code layout::Check} and {@code
 * layout::Outcome} on the native side.
 */
final class AssertionRecord {
  static final int ASSERTION = 1;
  static final int EXIT = 2;

  static final int PASSED = 1;
  static final int FAILED = 2;
  static final int INCOMPLETE = 3;
  static final int ERROR = 4;

  final int check;
  final int outcome;
  final int epoch;
  final int scope;
  final long bytes;
  final long blocks;
  final int sites;
  final String label;
  final String detail;

  private AssertionRecord(
      int check, int outcome, Checkpoint since, LeakCheck how, LeakReport report, String detail) {
    this.check = check;
    this.outcome = outcome;
    this.epoch = since.epoch();
    this.scope = how.scope();
    this.bytes = report == null ? 0 : report.bytes();
    this.blocks = report == null ? 0 : report.blocks();
    this.sites = report == null ? 0 : report.sites().size();
    this.label = check == EXIT ? null : since.label().orElse(null);
    this.detail = detail;
  }

  /**
   * Makes the report and keeps what it says. Where this JVM or the checkpoint is not recorded there
   * is no place to keep it. A record that cannot be kept does not change the assertion.
   */
  static LeakReport keeping(
      int check, Checkpoint since, LeakCheck how, Supplier<LeakReport> report) {
    Recorder recorder = Recording.current().recorder().orElse(null);
    if (recorder == null || since == null || how == null || !since.isRecorded()) {
      return report.get();
    }
    LeakReport made;
    try {
      made = report.get();
    } catch (RuntimeException | Error e) {
      keep(recorder, new AssertionRecord(check, ERROR, since, how, null, e.toString()));
      throw e;
    }
    // A degraded image changes nothing: the recorder's own table in memory was asked.
    boolean complete = recorder.unrecordedEvents() == 0 && made.incomplete().isEmpty();
    int outcome = made.fails() ? FAILED : complete ? PASSED : INCOMPLETE;
    keep(recorder, new AssertionRecord(check, outcome, since, how, made, null));
    return made;
  }

  private static void keep(Recorder recorder, AssertionRecord ended) {
    try {
      recorder.assertion(ended);
    } catch (RuntimeException e) {
      // The assertion's own answer is what counts.
    }
  }
}
