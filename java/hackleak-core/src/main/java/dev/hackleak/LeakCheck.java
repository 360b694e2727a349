package dev.hackleak;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * How to look for leaks: whether to collect garbage first, in which scope, and what counts.
 *
 * <p>Immutable and safe to share; each method returns a changed copy:
 *
 * <pre>{@code
 * HackLeak.assertNoLeaks(LeakCheck.standard().settling(true).settleLimit(Duration.ofSeconds(2)));
 * }</pre>
 */
public final class LeakCheck {
  private static final LeakCheck STANDARD = new LeakCheck(new LeakCheckDraft());

  // The draft copies these.
  final Boolean settle;
  final Duration limit;
  final int scope;
  final Ownership ownership;
  final Set<LeakKind> kinds;
  final long allowedBytes;
  final long allowedBlocks;
  final List<String> suppressed;
  final Held held;
  final int[] rounds;
  final int fewestTests;
  final Collection<Long> fell;
  final List<Object> finished;
  final boolean ofEndedTest;
  final boolean settled;
  final Boolean failOnKnown;
  final long peakBytes;
  final long allocations;
  final boolean ofLimits;

  private LeakCheck(LeakCheckDraft draft) {
    settle = draft.settle;
    limit = draft.limit;
    scope = draft.scope;
    ownership = draft.ownership;
    kinds = Collections.unmodifiableSet(draft.kinds);
    allowedBytes = draft.allowedBytes;
    allowedBlocks = draft.allowedBlocks;
    suppressed = Immutable.copyOf(draft.suppressed);
    held = draft.held;
    rounds = draft.rounds;
    fewestTests = draft.fewestTests;
    fell = draft.fell;
    finished = Immutable.copyOf(draft.finished);
    ofEndedTest = draft.ofEndedTest;
    settled = draft.settled;
    failOnKnown = draft.failOnKnown;
    peakBytes = draft.peakBytes;
    allocations = draft.allocations;
    ofLimits = draft.ofLimits;
  }

  private LeakCheckDraft draft() {
    return LeakCheckDraft.of(this);
  }

  /**
   * Looks at all threads, and settles first if the system property {@code hackleak.settle} or
   * {@code ai.rapids.refcount.debug} is true at the time of the check.
   */
  public static LeakCheck standard() {
    return STANDARD;
  }

  /**
   * As annotations without settings ask for, and what front ends begin with: as {@link
   * #standard()}, but settles unless the system property {@code hackleak.settle} is false.
   */
  public static LeakCheck ofTests() {
    return STANDARD.settling(SystemProperties.settleTests());
  }

  /** Looks for no leaks, but only at limits: {@link #peakBytes}, {@link #allocations}, or both. */
  public static LeakCheck ofLimits() {
    LeakCheckDraft draft = new LeakCheckDraft();
    draft.ofLimits = true;
    return new LeakCheck(draft);
  }

  /**
   * Fails a test that has more than so many bytes of native memory live at once, of what its thread
   * has allocated, and the threads that were started in it. Counted exactly; with rounds, in each
   * by itself. For what watches a test: a check that is made at its end cannot know.
   *
   * @throws IllegalArgumentException if it is negative
   */
  public LeakCheck peakBytes(long most) {
    LeakCheckDraft draft = draft();
    draft.peakBytes = LimitText.checked("peakBytes", most);
    return new LeakCheck(draft);
  }

  /**
   * Fails a test that allocates native memory more often than this; see {@link #peakBytes(long)}.
   *
   * @throws IllegalArgumentException if it is negative
   */
  public LeakCheck allocations(long most) {
    LeakCheckDraft draft = draft();
    draft.allocations = LimitText.checked("allocations", most);
    return new LeakCheck(draft);
  }

  boolean hasLimits() {
    return peakBytes >= 0 || allocations >= 0;
  }

  /** For when the limits have been looked at. */
  LeakCheck withoutLimits() {
    LeakCheckDraft draft = draft();
    draft.peakBytes = -1;
    draft.allocations = -1;
    return new LeakCheck(draft);
  }

  /** Settles first, or does not, whatever the system properties say. */
  public LeakCheck settling(boolean on) {
    LeakCheckDraft draft = draft();
    draft.settle = on;
    return new LeakCheck(draft);
  }

  /**
   * Settles for no longer than this; otherwise the system property {@code
   * hackleak.settleLimitMillis} decides, 5000 ms by default. Does not switch settling on.
   *
   * @throws IllegalArgumentException if the limit is negative
   */
  public LeakCheck settleLimit(Duration limit) {
    if (limit.isNegative()) {
      throw new IllegalArgumentException("the settle limit is negative: " + limit);
    }
    LeakCheckDraft draft = draft();
    draft.limit = limit;
    return new LeakCheck(draft);
  }

  /**
   * Looks only at what was allocated inside the scope, which may be closed already. What threads
   * allocated that it did not start, such as those of a pool, is not in it: see {@link LeakScope}.
   */
  public LeakCheck inScope(LeakScope scope) {
    return in(Objects.requireNonNull(scope, "scope").id(), Ownership.ANY);
  }

  /**
   * Counts these kinds only. None leaves it to the system property {@code hackleak.kinds}, and
   * without that means all that are tracked.
   *
   * @param kinds need not be tracked; where none of them is, a check says that it can find nothing
   */
  public LeakCheck kinds(LeakKind... kinds) {
    LeakCheckDraft draft = draft();
    draft.kinds.clear();
    draft.kinds.addAll(Arrays.asList(kinds));
    return new LeakCheck(draft);
  }

  /**
   * Allows each site to leak this many bytes. A site that exceeds neither this nor {@link
   * #allowingBlocks(long)}, where both are set, is no leak.
   *
   * @throws IllegalArgumentException if it is negative
   */
  public LeakCheck allowingBytes(long perSite) {
    LeakCheckDraft draft = draft();
    draft.allowedBytes = notNegative(perSite);
    return new LeakCheck(draft);
  }

  /**
   * Allows each site to leak this many blocks; see {@link #allowingBytes(long)}.
   *
   * @throws IllegalArgumentException if it is negative
   */
  public LeakCheck allowingBlocks(long perSite) {
    LeakCheckDraft draft = draft();
    draft.allowedBlocks = notNegative(perSite);
    return new LeakCheck(draft);
  }

  private static long notNegative(long allowance) {
    if (allowance < 0) {
      throw new IllegalArgumentException("the allowance is negative: " + allowance);
    }
    return allowance;
  }

  /**
   * Does not count sites with one of these in a frame: a native function, source file or library,
   * or a Java {@code class.method}. The patterns are those of suppression files after {@code
   * leak:}, so {@code *} stands for anything, and {@code ^} and {@code $} for the ends.
   *
   * @throws IllegalArgumentException if a pattern is empty, which would match everything
   */
  public LeakCheck suppressing(String... patterns) {
    LeakCheckDraft draft = draft();
    for (String pattern : patterns) {
      if (pattern.isEmpty()) {
        throw new IllegalArgumentException("an empty suppression would match every leak");
      }
      draft.suppressed.add(pattern);
    }
    return new LeakCheck(draft);
  }

  /**
   * Counts known leaks of libraries as leaks, or only notes them, whatever the recorder's option
   * {@code known} and the system property {@code hackleak.known} say.
   */
  public LeakCheck failingOnKnown(boolean on) {
    LeakCheckDraft draft = draft();
    draft.failOnKnown = on;
    return new LeakCheck(draft);
  }

  /**
   * Decides what becomes of memory that is live but held. It goes before the system property {@code
   * hackleak.held}, and that before the recorder's option {@code held}.
   */
  public LeakCheck held(Held held) {
    LeakCheckDraft draft = draft();
    draft.held = Objects.requireNonNull(held, "held");
    return new LeakCheck(draft);
  }

  /** What this check or a system property decided; otherwise the recorder's option counts. */
  Held held() {
    return held == Held.DEFAULT ? SystemProperties.held() : held;
  }

  LeakCheck in(int scope, Ownership ownership) {
    LeakCheckDraft draft = draft();
    draft.scope = scope;
    draft.ownership = ownership;
    return new LeakCheck(draft);
  }

  /** Counts only sites that leaked in each round; the epochs between which the rounds lie. */
  LeakCheck growing(int[] epochs) {
    LeakCheckDraft draft = draft();
    draft.rounds = epochs.clone();
    return new LeakCheck(draft);
  }

  /**
   * Counts only what is held and grew with tests that came one after the other.
   *
   * @param epochs at which the tests begin, and at last the one at which the last has ended
   * @param fewest the tests that must have added to it
   * @param fell stacks of which blocks have been freed after their test
   */
  LeakCheck growingWithTests(int[] epochs, int fewest, Collection<Long> fell) {
    LeakCheckDraft draft = draft();
    draft.rounds = epochs.clone();
    draft.fewestTests = fewest;
    draft.fell = Collections.unmodifiableCollection(new ArrayList<>(fell));
    return new LeakCheck(draft);
  }

  /** For when all has settled already. */
  LeakCheck afterSettling() {
    LeakCheckDraft draft = draft();
    draft.settle = false;
    draft.settled = true;
    return new LeakCheck(draft);
  }

  /** Whether garbage has been collected by the time that holders are looked for. */
  boolean collects() {
    return settled || settles();
  }

  /**
   * For a test that has ended: what only these objects hold, its instance and its parameters, is
   * held by nobody.
   */
  LeakCheck withFinished(Collection<?> objects) {
    LeakCheckDraft draft = draft();
    draft.ofEndedTest = true;
    draft.finished.addAll(objects);
    return new LeakCheck(draft);
  }

  /**
   * The objects that hold nothing. Who asks in the middle of its work names the calling thread,
   * which stands for its frames: their variables have what was closed as well as what is open.
   * Behind a test that has ended there are the framework's frames, which hold what they have.
   */
  Object[] finished() {
    List<Object> objects = new ArrayList<>(finished);
    if (!ofEndedTest) {
      objects.add(Thread.currentThread());
    }
    return objects.toArray();
  }

  boolean settles() {
    return settle == null ? SystemProperties.settle() : settle;
  }

  Duration limit() {
    return limit == null ? SystemProperties.settleLimit() : limit;
  }

  int scope() {
    return scope;
  }

  Ownership ownership() {
    return ownership;
  }

  /** The epoch from which on a leak must be there for a check since this epoch to fail. */
  int lastRound(int since) {
    return rounds.length < 2 || fewestTests > 0 ? since : rounds[rounds.length - 2];
  }

  /** Whether it is about one test that ran once, and not about what grows or is left at the end. */
  boolean isOfOneRun() {
    return rounds.length == 0 && !settled;
  }

  /** Whether what grows with tests is looked for. */
  boolean isOfManyTests() {
    return fewestTests > 0;
  }

  /**
   * Reads all that decides about the check.
   *
   * @throws IllegalArgumentException if a system property says what cannot be, or if there is
   *     nothing to look at
   */
  void validate() {
    LimitText.requireAny(this);
    arguments();
    limit();
    settles();
  }

  /** All of this as arguments of the reporter. */
  List<String> arguments() {
    return CheckArguments.of(this);
  }

  /** The patterns of this check and of the properties, as they are told to the reporter. */
  List<String> suppressed() {
    List<String> ofTests = settled ? Collections.emptyList() : SystemProperties.suppressed();
    if (ofTests.isEmpty()) {
      return suppressed;
    }
    List<String> all = new ArrayList<>(suppressed);
    all.addAll(ofTests);
    return all;
  }

  // Where this check says nothing, properties do, for the whole suite. What is live at the end of
  // the JVM is no test's.

  Set<LeakKind> kinds() {
    return kinds.isEmpty() && !settled ? SystemProperties.kinds() : kinds;
  }

  long allowedBytes() {
    return isAllowing() || settled ? allowedBytes : SystemProperties.allowedBytes();
  }

  long allowedBlocks() {
    return isAllowing() || settled ? allowedBlocks : SystemProperties.allowedBlocks();
  }

  /** Both limits belong together. */
  private boolean isAllowing() {
    return allowedBytes >= 0 || allowedBlocks >= 0;
  }

  /** True if only the reporter can tell what counts. */
  boolean selects() {
    return !kinds().isEmpty()
        || rounds.length > 0
        || allowedBytes() >= 0
        || allowedBlocks() >= 0
        || !suppressed().isEmpty();
  }
}
