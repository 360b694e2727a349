package dev.hackleak;

/** What a test has of native memory, for the limits of its check. */
final class MemoryUse {
  private final Recorder recorder;
  private final int scope;
  private final LeakCheck check;

  private int rounds;
  private long peak;
  private long allocations;

  private MemoryUse(Recorder recorder, int scope, LeakCheck check) {
    this.recorder = recorder;
    this.scope = scope;
    this.check = check;
  }

  /**
   * Begins to count for the scope, which nobody has entered yet; null for a check without limits.
   */
  static MemoryUse begin(Recorder recorder, int scope, LeakCheck check) {
    if (!check.hasLimits()) {
      return null;
    }
    recorder.beginCounting(scope);
    return new MemoryUse(recorder, scope, check);
  }

  /** Begins to count anew for a round, which begins with a checkpoint after this. */
  void beginRound() {
    recorder.beginCounting(scope);
  }

  /** Keeps what the round had, if that is the most until now. */
  void endRound() {
    rounds++;
    keep();
  }

  private void keep() {
    long[] had = recorder.counted(scope);
    peak = Math.max(peak, had[0]);
    allocations = Math.max(allocations, had[1]);
  }

  /**
   * Ends the counting; what was exceeded, or null. Where there were rounds, what came around them
   * does not count.
   */
  LimitError end(String test) {
    try {
      if (rounds == 0) {
        keep();
      }
    } finally {
      drop();
    }
    String text = LimitText.of(check, peak, allocations, rounds);
    return text == null ? null : new LimitError(test, text, peak, allocations);
  }

  /** Ends the counting without looking. */
  void drop() {
    recorder.endCounting();
  }
}
