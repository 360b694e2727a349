package dev.hackleak;

/**
 * A test had more native memory than its limit allows, or allocated more often: {@link
 * LeakCheck#peakBytes(long)}, {@link LeakCheck#allocations(long)}.
 */
public final class LimitError extends AssertionError {
  private static final long serialVersionUID = 1;

  private final String text;
  private final long peakBytes;
  private final long allocations;

  LimitError(String test, String text, long peakBytes, long allocations) {
    super("`" + test + "` " + text);
    this.text = text;
    this.peakBytes = peakBytes;
    this.allocations = allocations;
    setStackTrace(OwnFrames.withoutOurs(getStackTrace()));
  }

  /** The most bytes that the test had live at once; of several rounds, in the largest. */
  public long peakBytes() {
    return peakBytes;
  }

  /** How often the test allocated; of several rounds, in the one that did it most often. */
  public long allocations() {
    return allocations;
  }

  /** What was exceeded, without the test. */
  String text() {
    return text;
  }
}
