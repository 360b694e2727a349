package dev.hackleak;

import java.util.List;

/**
 * Native memory leaked. The message shows how much, and for each leaking site the merged stack of
 * Java and native frames; {@link #report()} holds the same for programs.
 *
 * <p>Its stack trace is the Java stack that allocated the leak, up to the test, so that an IDE
 * leads to the line that leaked and not to the one that looked for leaks.
 */
public final class LeakError extends AssertionError {
  private static final long serialVersionUID = 1;

  private final LeakReport report;

  LeakError(LeakReport report) {
    super(report.toString());
    this.report = report;
    List<JavaFrame> leaked = OwnFrames.of(report);
    setStackTrace(
        leaked.isEmpty()
            ? OwnFrames.withoutOurs(getStackTrace())
            : leaked.stream().map(OwnFrames::element).toArray(StackTraceElement[]::new));
  }

  /** What leaked. */
  public LeakReport report() {
    return report;
  }
}
