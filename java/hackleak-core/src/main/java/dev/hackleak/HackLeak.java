package dev.hackleak;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.Objects;
import java.util.Optional;

/**
 * Finds native memory that Java code leaks.
 *
 * <pre>{@code
 * HackLeak.checkpoint();
 * codeThatCrossesJni();
 * HackLeak.assertNoLeaks();
 * }</pre>
 *
 * <p>In a JVM that is not recorded ({@link #isActive()} is false) all of this does nothing, so that
 * the same tests run anywhere. With {@code -Dhackleak.required=true} every method except {@link
 * #isActive()} and {@link #inactiveReason()} throws {@link IllegalStateException} there.
 *
 * <p>All methods may be called from any thread, {@link #scope(String)} and {@link #ignore()} from
 * platform threads only. A leak counts no matter which thread allocated it, a virtual one included;
 * where tests run in parallel, {@linkplain #scope(String) scopes} tell them apart.
 */
public final class HackLeak {
  private static final ThreadLocal<Checkpoint> CHECKPOINT = new ThreadLocal<>();

  private HackLeak() {}

  /** True if the native allocations of this JVM are recorded. */
  public static boolean isActive() {
    return Recording.current().isActive();
  }

  /** Why this JVM is not recorded, as the second half of a sentence; empty if it is. */
  public static Optional<String> inactiveReason() {
    return Recording.current().reason();
  }

  /** The file that the recorder fills for this process; empty if it is not recorded. */
  public static Optional<Path> image() {
    return Recording.current().recorder().map(recorder -> recorder.describe().image());
  }

  /** The recorder's library, beside which its command is; empty if this JVM is not recorded. */
  public static Optional<Path> library() {
    return Recording.current().recorder().map(recorder -> recorder.describe().library());
  }

  /** Takes a checkpoint, as {@link #checkpoint(String)} does, without a label. */
  public static Checkpoint checkpoint() {
    return checkpoint(null);
  }

  /**
   * Takes a checkpoint and makes it the current one of the calling thread. Costs the same however
   * much memory is live.
   *
   * @param label a name for the reports, or null
   */
  public static Checkpoint checkpoint(String label) {
    Checkpoint taken =
        Recording.current()
            .recorder()
            .map(recorder -> Checkpoint.at(recorder.checkpoint(label), label))
            .orElseGet(() -> Checkpoint.unrecorded(label));
    CHECKPOINT.set(taken);
    return taken;
  }

  /**
   * Fails if anything leaked since the calling thread's current checkpoint.
   *
   * @throws LeakError if something leaked
   * @throws IllegalStateException if this thread has taken no checkpoint
   */
  public static void assertNoLeaks() {
    assertNoLeaks(LeakCheck.standard());
  }

  /**
   * Fails if anything leaked since the calling thread's current checkpoint.
   *
   * @throws LeakError if something leaked
   * @throws IllegalStateException if this thread has taken no checkpoint
   */
  public static void assertNoLeaks(LeakCheck check) {
    Objects.requireNonNull(check, "check");
    if (!Recording.current().recorder().isPresent()) {
      return;
    }
    Checkpoint since = CHECKPOINT.get();
    if (since == null) {
      throw new IllegalStateException(
          "this thread has taken no checkpoint: call HackLeak.checkpoint() before the code under"
              + " test, or pass the checkpoint of another thread");
    }
    assertNoLeaks(since, check);
  }

  /**
   * Fails if anything leaked since the checkpoint.
   *
   * @throws LeakError if something leaked
   */
  public static void assertNoLeaks(Checkpoint since) {
    assertNoLeaks(since, LeakCheck.standard());
  }

  /**
   * Fails if anything leaked since the checkpoint. When nothing did, this takes well under a
   * millisecond; otherwise it takes the time to settle, if {@code check} says so, and to read debug
   * information.
   *
   * <p>Invalid frees since then fail it as well if the recorder was given {@code
   * invalid-frees=fail}; else the first ones are told on stderr, once per JVM. With {@code
   * strict=true} it fails when the allocations of a library under test are not seen.
   *
   * @throws LeakError if something leaked
   */
  public static void assertNoLeaks(Checkpoint since, LeakCheck check) {
    LeakReport report =
        AssertionRecord.keeping(
            AssertionRecord.ASSERTION, since, check, () -> leaksSince(since, check));
    Verdict.on(report);
  }

  /** What leaked since the checkpoint. */
  public static LeakReport leaksSince(Checkpoint since) {
    return leaksSince(since, LeakCheck.standard());
  }

  /** What leaked since the checkpoint; a report without leaks if nothing did. */
  public static LeakReport leaksSince(Checkpoint since, LeakCheck check) {
    Objects.requireNonNull(since, "since");
    Objects.requireNonNull(check, "check");
    if (check.ofLimits || check.hasLimits()) {
      throw new IllegalArgumentException(
          "peakBytes and allocations are counted from a test's beginning, by a LeakWatch or a front"
              + " end: a check at the end cannot know them");
    }
    Recording recording = Recording.current();
    return recording
        .recorder()
        .map(recorder -> new LeakQuery(recorder, since, check).run())
        .orElseGet(() -> unchecked(recording));
  }

  private static LeakReport unchecked(Recording recording) {
    String note = LeakText.notChecked(recording.reason().orElse("unknown"));
    return new LeakReport(
        0,
        0,
        Collections.emptyList(),
        Collections.singletonList(note),
        null,
        Collections.singletonList(note));
  }

  /**
   * Settles as {@link #settle(Duration)} does, within the time that the system property {@code
   * hackleak.settleLimitMillis} sets, 5000 ms by default.
   */
  public static boolean settle() {
    return settle(SystemProperties.settleLimit());
  }

  /**
   * Collects garbage until it no longer frees native memory: forces collections, lets finalizers,
   * Cleaners and {@link dev.hackleak.spi.LeakSettler}s do their work, until two collections in a
   * row free nothing. Where it cannot be proven that this work is done, because the program looks
   * into queues of its own, native memory must not have shrunk for at least 250 ms.
   *
   * @param limit how long this may take
   * @return true if native memory stopped shrinking, or if this JVM is not recorded; false if the
   *     limit passed before, or the thread was interrupted, which it then still is
   */
  public static boolean settle(Duration limit) {
    Objects.requireNonNull(limit, "limit");
    return Recording.current()
        .recorder()
        .map(recorder -> Settling.run(recorder, recorder::liveBlocks, limit))
        .orElse(true);
  }

  /**
   * Opens a scope: until it is closed, it owns what the calling thread allocates, and the platform
   * threads that this thread starts meanwhile. Pass it to {@link LeakCheck#inScope(LeakScope)}.
   *
   * @param name for the reports; need not be unique
   * @throws UnsupportedOperationException on a virtual thread of a recorded JVM: it has no thread
   *     of the operating system to itself, so the scope would own what others allocate
   */
  public static LeakScope scope(String name) {
    return Recording.current()
        .recorder()
        .map(
            recorder -> {
              PlatformThread.required("a scope");
              return LeakScope.open(recorder, name);
            })
        .orElseGet(() -> LeakScope.unrecorded(name));
  }

  /**
   * Reports nothing of what the calling thread allocates until the result is closed.
   *
   * @throws UnsupportedOperationException on a virtual thread of a recorded JVM: it has no thread
   *     of the operating system to itself, so leaks of others would be ignored
   */
  public static Ignored ignore() {
    return Recording.current()
        .recorder()
        .map(
            recorder -> {
              PlatformThread.required("ignore()");
              return Ignored.begin(recorder);
            })
        .orElseGet(Ignored::unrecorded);
  }
}
