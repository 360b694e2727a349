package dev.hackleak;

import java.time.Duration;
import java.util.Objects;

/**
 * How to look for leaks: whether to collect garbage first, for how long, and in which scope.
 *
 * <p>Immutable and safe to share; each method returns a changed copy:
 *
 * <pre>{@code
 * HackLeak.assertNoLeaks(LeakCheck.standard().settling(true).settleLimit(Duration.ofSeconds(2)));
 * }</pre>
 */
public final class LeakCheck {
  private static final LeakCheck STANDARD = new LeakCheck(null, null, 0);

  private final Boolean settle;
  private final Duration limit;
  private final int scope;

  private LeakCheck(Boolean settle, Duration limit, int scope) {
    this.settle = settle;
    this.limit = limit;
    this.scope = scope;
  }

  /**
   * Looks at all threads, and settles first if the system property {@code hackleak.settle} or
   * {@code ai.rapids.refcount.debug} is true at the time of the check.
   */
  public static LeakCheck standard() {
    return STANDARD;
  }

  /** Settles first, or does not, whatever the system properties say. */
  public LeakCheck settling(boolean on) {
    return new LeakCheck(on, limit, scope);
  }

  /**
   * Settles for no longer than this; otherwise the system property {@code hackleak.settle.limit.ms}
   * decides, 5000 ms by default. Does not switch settling on.
   *
   * @throws IllegalArgumentException if the limit is negative
   */
  public LeakCheck settleLimit(Duration limit) {
    if (limit.isNegative()) {
      throw new IllegalArgumentException("the settle limit is negative: " + limit);
    }
    return new LeakCheck(settle, limit, scope);
  }

  /**
   * Looks only at what was allocated inside the scope, which may be closed already. What threads
   * allocated that it did not start, such as those of a pool, is not in it: see {@link LeakScope}.
   */
  public LeakCheck inScope(LeakScope scope) {
    return new LeakCheck(settle, limit, Objects.requireNonNull(scope, "scope").id());
  }

  boolean settles() {
    return settle == null ? Settings.settle() : settle;
  }

  Duration limit() {
    return limit == null ? Settings.settleLimit() : limit;
  }

  int scope() {
    return scope;
  }
}
