package dev.hackleak;

/**
 * Native memory leaked. The message shows how much, and for each leaking site the merged stack of
 * Java and native frames; {@link #report()} holds the same for programs.
 */
public final class LeakError extends AssertionError {
  private static final long serialVersionUID = 1;

  private final LeakReport report;

  LeakError(LeakReport report) {
    super(report.toString());
    this.report = report;
  }

  /** What leaked. */
  public LeakReport report() {
    return report;
  }
}
