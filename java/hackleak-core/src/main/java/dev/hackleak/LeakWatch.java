package dev.hackleak;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * The watch over one test, from before it until after it: what the front ends of all test
 * frameworks share. Tests themselves rather use {@link HackLeak}, or an annotation or rule.
 *
 * <p>While tests run one after the other, a test answers for whatever leaked meanwhile. When they
 * run in parallel it answers for what its own thread allocated, and the threads that were started
 * inside of the test and ended with it. Threads that outlive it may belong to a pool and work for
 * others: what these allocated fails no test, and {@link #endOfRun()} reports it.
 *
 * <p>A watch belongs to the thread that began it. Once that one has called {@link #leave()},
 * another one may end it, between {@link #entered()} and {@link #left(int)}. In a JVM that is not
 * recorded it does nothing, and a notice on stderr says so once.
 */
public final class LeakWatch {
  private static final long POLL_MS = 10;
  private static final int MOST_ROUNDS = 64;

  private static final AtomicBoolean ENDS_AT_EXIT = new AtomicBoolean();

  private final Recorder recorder;
  private final LeakCheck check;
  private final Checkpoint checkpoint;
  private final int scope;
  private final int outer;

  /** What the test has of native memory; null for a check without limits. */
  private final MemoryUse use;

  private final List<Integer> rounds = new ArrayList<>();

  /** The epoch at which a warm-up without rounds has ended; 0 if there was none. */
  private int warm;

  private final List<Object> finished = new ArrayList<>();
  private final Thread thread = Thread.currentThread();
  private boolean unfinishedRounds;

  /** The same for a watch inside of this one, for which the rounds are rounds as well. */
  private MemoryUse useInside;

  /** The limits that were exceeded; null if none was. */
  private LimitError exceeded;

  private LeakWatch(
      Recorder recorder,
      LeakCheck check,
      Checkpoint checkpoint,
      int scope,
      int outer,
      MemoryUse use) {
    this.recorder = recorder;
    this.check = check;
    this.checkpoint = checkpoint;
    this.scope = scope;
    this.outer = outer;
    this.use = use;
  }

  /**
   * Begins to watch, with a checkpoint that becomes the calling thread's current one.
   *
   * @param test for the reports
   * @param inParallel true if other tests may run at the same time, watched or not; watches that
   *     overlap are noticed without being told
   * @throws IllegalStateException if this JVM is not recorded although it must be
   * @throws UnsupportedOperationException if the check has limits, on a virtual thread of a
   *     recorded JVM
   */
  public static LeakWatch begin(String test, LeakCheck check, boolean inParallel) {
    Objects.requireNonNull(check, "check");
    // A value that means nothing is told at once, and not with the first leak.
    check.validate();
    Recorder recorder = Recording.current().recorder().orElse(null);
    if (recorder == null) {
      UnrecordedNotice.print();
      return new LeakWatch(null, check, Checkpoint.unrecorded(test), 0, 0, null);
    }
    if (check.hasLimits()) {
      PlatformThread.required("a limit of native memory");
    }
    Checkpoint checkpoint = HackLeak.checkpoint(test);
    int scope = 0;
    int outer = 0;
    MemoryUse use = null;
    // A virtual thread has no thread of the operating system to itself, hence no scope.
    if (!PlatformThread.isVirtual(Thread.currentThread())) {
      scope = recorder.openScope(test);
      use = MemoryUse.begin(recorder, scope, check);
      outer = recorder.enterScope(scope);
    }
    LeakWatch watch = new LeakWatch(recorder, check, checkpoint, scope, outer, use);
    ParallelRun.began(watch, inParallel);
    return watch;
  }

  /** The code that a test repeats. */
  public interface Round {
    /** Runs it once. */
    void run() throws Throwable;
  }

  /**
   * Runs the code several times. From then on a leak counts only if each of the {@code repeat}
   * rounds leaked at the same site, so what is allocated once and kept does not. With one round
   * after a warm-up, what that round leaks counts, as ever.
   *
   * @param warmup rounds that do not count
   * @param repeat rounds that count, 1 to 64
   * @throws IllegalArgumentException if a number is out of its range
   * @throws Throwable what the code throws; the test is then not checked
   */
  public void rounds(int warmup, int repeat, Round code) throws Throwable {
    if (warmup < 0 || repeat < 1 || repeat > MOST_ROUNDS) {
      throw new IllegalArgumentException(
          "warmup="
              + warmup
              + ", repeat="
              + repeat
              + ": there is at least 1 round, growth takes 2, and no more than "
              + MOST_ROUNDS
              + " are told apart; the warm-up may have any number, also 0");
    }
    unfinishedRounds = true;
    rounds.clear();
    for (int i = 0; i < warmup; i++) {
      code.run();
    }
    for (int i = 0; i < repeat; i++) {
      eachUse(MemoryUse::beginRound);
      nextRound();
      code.run();
      eachUse(MemoryUse::endRound);
    }
    if (repeat == 1) {
      warm = recorder == null ? 0 : rounds.get(0);
      rounds.clear();
    } else {
      nextRound();
    }
    unfinishedRounds = false;
  }

  private void nextRound() {
    if (recorder != null) {
      rounds.add(recorder.checkpoint(checkpoint.label().orElse(null)));
    }
  }

  private void eachUse(Consumer<MemoryUse> each) {
    Stream.of(use, useInside).filter(Objects::nonNull).forEach(each);
  }

  /** Has the limits of a watch inside of this one count each round of this one by itself. */
  public void roundsCountFor(LeakWatch inside) {
    useInside = inside.use;
  }

  /**
   * Makes the calling thread work for this watch as well, until {@link #left(int)}: for what a
   * framework runs on other threads.
   *
   * @return what must be passed to {@code left}
   */
  public int entered() {
    return scope == 0 ? 0 : recorder.enterScope(scope);
  }

  /** Ends what {@link #entered()} began on the calling thread. */
  public void left(int before) {
    if (scope != 0) {
      recorder.enterScope(before);
    }
  }

  /**
   * Takes the calling thread out of the watch, which goes on; {@link #left(int)} need not follow.
   */
  public void leave() {
    left(outer);
  }

  /**
   * Names objects that end with the test: its instance and its parameters. What only they hold is
   * lost when the watch ends. Constants of enums, classes, class loaders and threads end with no
   * test, and are left out.
   */
  public void endsWith(Collection<?> objects) {
    for (Object object : objects) {
      boolean shared =
          object instanceof Enum
              || object instanceof Class
              || object instanceof ClassLoader
              || object instanceof Thread;
      if (object != null && !shared) {
        finished.add(object);
      }
    }
  }

  /**
   * Ends the watch and fails the test if it leaked. For tests that have passed: what failed or was
   * skipped has an outcome already, which a leak must not replace.
   *
   * @throws LeakError if it leaked
   * @throws LimitError if it leaked nothing, but exceeded a limit
   */
  public void end() {
    try {
      judge(true);
    } catch (LeakError leak) {
      if (exceeded != null) {
        leak.addSuppressed(exceeded);
      }
      SharedSites.ofThisRun().failed(checkpoint.label().orElse("a test"), leak.report());
      endOfRunAtExit();
      throw leak;
    }
    if (exceeded != null) {
      throw exceeded;
    }
  }

  /**
   * Ends the watch of a test that has failed for a reason of its own, and throws nothing: the test
   * keeps its failure. What leaked is attached to it as a suppressed {@link LeakError}, and one
   * line on stderr says so; the same for a limit that it exceeded.
   *
   * @param own why it failed; null if nobody knows
   * @return false if it was looked for leaks and had none
   */
  public boolean endFailed(Throwable own) {
    return endBeside(own, "failed for another reason", true);
  }

  /**
   * Ends the watch of a test that was skipped after it had begun, say by an assumption, and throws
   * nothing: the test stays skipped. What it left behind is attached to the reason as a suppressed
   * {@link LeakError}, and one line on stderr says so. Reports on this JVM do not count it among
   * the assertions.
   *
   * @param why what skipped it; null if nobody knows
   * @return false if it was looked for leaks and had none
   */
  public boolean endSkipped(Throwable why) {
    return endBeside(why, "stays skipped", false);
  }

  private boolean endBeside(Throwable own, String outcome, boolean asserts) {
    try {
      return !judge(asserts);
    } catch (RuntimeException | Error leak) {
      // Whatever a look for leaks ends with, it is not the outcome of this test.
      if (own != null) {
        own.addSuppressed(leak);
      }
      String test = checkpoint.label().orElse("a test");
      System.err.println("hackleak: `" + test + "` " + outcome + "; " + LeakText.summary(leak));
      return true;
    } finally {
      if (exceeded != null) {
        if (own != null) {
          own.addSuppressed(exceeded);
        }
        String test = checkpoint.label().orElse("a test");
        System.err.println("hackleak: `" + test + "` " + outcome + "; it " + exceeded.text());
      }
    }
  }

  /**
   * Takes the watch off the thread, and asserts; false if nothing can be said about this test. What
   * begins before the look has ended runs beside it.
   */
  private boolean judge(boolean asserts) {
    if (recorder == null) {
      return false;
    }
    try {
      LeakCheck judged = check.withoutLimits();
      boolean parallel;
      try {
        leave();
        lookAtLimits();
        if (check.ofLimits) {
          return false;
        }
        parallel = ParallelRun.isParallel();
        if (unfinishedRounds || parallel && scope == 0) {
          return false;
        }
        if (parallel) {
          awaitThreads();
          judged = judged.in(scope, Ownership.OWNED);
        }
      } finally {
        // What the threads of this test allocate from now on is not this test's doing.
        if (scope != 0) {
          recorder.closeScope(scope);
        }
      }
      look(judged, parallel, asserts);
      return true;
    } finally {
      ParallelRun.ended(this);
    }
  }

  private void look(LeakCheck judged, boolean parallel, boolean asserts) {
    int[] epochs = rounds.stream().mapToInt(Integer::intValue).toArray();
    int first = epochs.length > 0 ? epochs[0] : warm;
    Checkpoint since = first == 0 ? checkpoint : checkpoint.at(first);
    LeakCheck growing = epochs.length > 0 ? judged.growing(epochs) : judged;
    LeakCheck last = growing.withFinished(finished);
    Supplier<LeakReport> look =
        () -> parallel ? HackLeak.leaksSince(since, last) : LoneLook.of(since, last, scope);
    int kind = AssertionRecord.ASSERTION;
    Verdict.on(asserts ? AssertionRecord.keeping(kind, since, last, look) : look.get());
  }

  private void lookAtLimits() {
    // A test that ends within its rounds has nothing that could be compared.
    if (use != null && unfinishedRounds) {
      use.drop();
    } else if (use != null) {
      exceeded = use.end(checkpoint.label().orElse("a test"));
    }
  }

  /** Ends the watch without looking: whatever leaked is meant to. */
  public void endUnchecked() {
    if (recorder != null) {
      leave();
      if (use != null) {
        use.drop();
      }
      ParallelRun.ended(this);
      if (scope != 0) {
        recorder.closeScope(scope);
      }
    }
  }

  /** A thread that Java has joined may still be on its way out for the operating system. */
  private void awaitThreads() {
    Deadline deadline = Deadline.in(check.limit());
    try {
      while (live(Ownership.CLAIMED) > live(Ownership.OWNED) && !deadline.hasPassed()) {
        Thread.sleep(POLL_MS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private long live(Ownership ownership) {
    return recorder.leaksSince(checkpoint.epoch(), scope, ownership)[0];
  }

  /** Watches of one thread lie inside of each other. */
  boolean isParallelTo(LeakWatch other) {
    return thread != other.thread;
  }

  Checkpoint checkpoint() {
    return checkpoint;
  }

  Recorder recorder() {
    return recorder;
  }

  /**
   * Says on stderr which sites failed several tests, and reports what leaked while tests ran in
   * parallel and belongs to none of them for sure. Called by the front ends once all tests have
   * ended; else the JVM's end does it.
   */
  public static void endOfRun() {
    SharedSites.ofThisRun().tell(System.err);
    ParallelRun.end(System.err);
  }

  /** Has the JVM's end do it: not every test framework says when the run ends. */
  static void endOfRunAtExit() {
    if (ENDS_AT_EXIT.compareAndSet(false, true)) {
      Thread hook = new Thread(LeakWatch::endOfRun, "hackleak-end-of-run");
      Runtime.getRuntime().addShutdownHook(hook);
    }
  }
}
