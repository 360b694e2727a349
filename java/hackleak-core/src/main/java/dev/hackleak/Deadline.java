package dev.hackleak;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** A moment to be done by, on the monotonic clock. */
final class Deadline {
  /** Keeps sums of nanoseconds far from overflow. */
  private static final Duration LONGEST = Duration.ofDays(365);

  private final long nanos;

  private Deadline(long nanos) {
    this.nanos = nanos;
  }

  static Deadline in(Duration duration) {
    Duration bounded = duration.compareTo(LONGEST) > 0 ? LONGEST : duration;
    return new Deadline(System.nanoTime() + bounded.toNanos());
  }

  boolean hasPassed() {
    return System.nanoTime() - nanos >= 0;
  }

  /** Milliseconds left, rounded up; 0 once it has passed. */
  long remainingMillis() {
    long left = nanos - System.nanoTime();
    return left <= 0 ? 0 : TimeUnit.NANOSECONDS.toMillis(left) + 1;
  }
}
