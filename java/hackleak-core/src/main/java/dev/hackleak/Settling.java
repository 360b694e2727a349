package dev.hackleak;

import dev.hackleak.spi.LeakSettler;
import java.time.Duration;
import java.util.Collections;
import java.util.function.LongSupplier;

/**
 * Waits until native memory that only garbage owns is freed.
 *
 * <p>A round collects garbage and then waits until {@link WorkedOff} proves that nobody has
 * anything left to do about it. Where it cannot be proven, because a queue belongs to the program
 * and nobody knows who looks into it and when, it watches the live blocks until none was freed for
 * a quiet window. What a round frees may be all that held the next piece, so rounds follow each
 * other; and as that may be Java objects only, it takes two idle rounds in a row to end:
 *
 * <pre>
 *   collect ──► wait ──► freed nothing, twice in a row? ──no──► collect …
 *                │                     └──yes──► stable
 *                ├── nothing live any more ──► stable
 *                └── limit passed, or interrupted ──► not stable
 * </pre>
 */
final class Settling {
  /** Longer than two polls of a cleaner that looks at its queue every 100 ms, as cuDF's does. */
  static final Duration QUIET_WINDOW = Duration.ofMillis(250);

  /** The most that one collection is waited for. */
  private static final Duration ONCE = QUIET_WINDOW.multipliedBy(4);

  private static final int IDLE_ROUNDS = 2;
  private static final long FIRST_POLL_MS = 1;
  private static final long POLL_MS = 10;

  /**
   * The polls that a quiet window has at least: on a machine that is busy with something else time
   * passes without anybody, the cleaners included, getting to do anything.
   */
  static final int POLLS = 20;

  private final Recorder recorder;
  private final LongSupplier live;
  private final Deadline deadline;
  private final Iterable<LeakSettler> settlers = Garbage.settlers();
  private final WorkedOff workedOff;
  private long fewest;

  private Settling(Recorder recorder, LongSupplier live, Duration limit) {
    this.recorder = recorder;
    this.live = live;
    this.deadline = Deadline.in(limit);
    this.workedOff = new WorkedOff(recorder);
    this.fewest = live.getAsLong();
  }

  /**
   * Settles until {@code live} stops shrinking or the limit passes.
   *
   * @param live counts the live blocks that matter
   * @return true if it stopped shrinking, false if it might go on; an interrupted thread stays
   *     interrupted and gets false
   */
  static boolean run(Recorder recorder, LongSupplier live, Duration limit) {
    try {
      return new Settling(recorder, live, limit).run();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /**
   * Collects garbage once, and waits until what that has found is worked off or the limit passes.
   * No settler is asked: it may free what is no garbage. An interrupted thread stays interrupted.
   *
   * @param live counts the live blocks that matter
   */
  static void once(Recorder recorder, LongSupplier live, Duration limit) {
    Duration most = limit.compareTo(ONCE) < 0 ? limit : ONCE;
    try {
      new Settling(recorder, live, most).round(Collections.emptyList());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean run() throws InterruptedException {
    if (recorder.hasBuffersInDoubt()) {
      Garbage.collect(recorder, settlers, deadline);
    }
    int idle = 0;
    while (fewest > 0 && idle < IDLE_ROUNDS) {
      long before = fewest;
      if (!round(settlers)) {
        return false;
      }
      idle = fewest == before ? idle + 1 : 0;
    }
    return true;
  }

  private boolean round(Iterable<LeakSettler> asked) throws InterruptedException {
    workedOff.beforeCollection();
    Garbage.collect(recorder, asked, deadline);
    return awaitQuiet();
  }

  /** Whether the proof, a quiet window, or the last block came before the deadline. */
  private boolean awaitQuiet() throws InterruptedException {
    Deadline window = Deadline.in(QUIET_WINDOW);
    int polls = 0;
    while (true) {
      // The proof first: what was freed until then is then counted.
      boolean proven = workedOff.isProven();
      long now = live.getAsLong();
      if (now < fewest) {
        fewest = now;
        window = Deadline.in(QUIET_WINDOW);
        polls = 0;
      }
      if (fewest == 0 || proven) {
        return true;
      }
      if (polls >= POLLS && window.hasPassed() && !workedOff.isUnderWay()) {
        workedOff.quiet();
        return true;
      }
      if (deadline.hasPassed()) {
        return false;
      }
      Thread.sleep(polls < POLL_MS ? FIRST_POLL_MS : POLL_MS);
      polls++;
    }
  }
}
