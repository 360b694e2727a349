package dev.hackleak;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * The tests of a class, one after the other: finds what is held and grows with each of them, such
 * as a static list that is only ever added to. For front ends, beside their {@link LeakWatch}es.
 *
 * <p>It is judged when the class has ended, because a list that is emptied then is no leak. A site
 * is told once in a JVM. The reporter decides what grows. Here is kept what only this moment knows:
 * what was live after each test. A stack of which some was freed later is a cache's.
 *
 * <p>Used by one thread at a time. Where tests run in parallel, or where the JVM is not recorded,
 * it finds nothing.
 */
public final class TestSeries {
  private static final int MOST_TESTS = 63;

  /** The sites that were told already: one mistake fails one class. */
  private static final Set<String> TOLD = new HashSet<>();

  /** The series of the class whose tests run; see {@link #follow}. */
  private static TestSeries followed;

  private static boolean hooked;

  private final String name;
  private final LeakCheck check;
  private final List<Ended> tests = new ArrayList<>();
  private final List<Object> finished = new ArrayList<>();
  private Recorder recorder;

  private TestSeries(String name, LeakCheck check) {
    this.name = name;
    this.check = check;
  }

  /**
   * Begins a series.
   *
   * @param name of the class, for the reports
   * @param check how its tests are checked
   */
  public static TestSeries begin(String name, LeakCheck check) {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(check, "check");
    SystemProperties.growing();
    SystemProperties.growingTests();
    return new TestSeries(name, check);
  }

  /** Takes note of a test whose watch has ended, whatever it came to. */
  public synchronized void ended(LeakWatch watch) {
    Recorder by = watch.recorder();
    if (by == null) {
      return;
    }
    if (by != recorder) {
      recorder = by;
      tests.clear();
    }
    int epoch = watch.checkpoint().epoch();
    Map<Long, Long> live = new HashMap<>();
    if (by.leaksSince(epoch, 0, Ownership.ANY)[0] > 0) {
      each(by.liveByStack(epoch), (stack, at, blocks) -> live.merge(stack, blocks, Long::sum));
    }
    tests.add(new Ended(epoch, live));
    if (tests.size() > MOST_TESTS) {
      tests.remove(0);
    }
  }

  /** Names objects that end with the class: an instance that has served all of its tests. */
  public synchronized void endsWith(Collection<?> objects) {
    objects.stream().filter(Objects::nonNull).forEach(finished::add);
  }

  /**
   * Ends the series, and fails if something has grown with each test. The system property {@code
   * hackleak.growing} has it noted on stderr instead, or ignored.
   *
   * @throws LeakError if it has
   */
  public void end() {
    Held growing = SystemProperties.growing();
    if (growing == Held.IGNORE || check.ofLimits) {
      return;
    }
    LeakReport report = grown();
    if (report == null) {
      return;
    }
    if (growing == Held.FAIL) {
      Checkpoint first = Checkpoint.at(tests.get(0).epoch, name);
      AssertionRecord.keeping(AssertionRecord.ASSERTION, first, check, () -> report);
      Verdict.on(report);
    }
    tell(report);
  }

  private void tell(LeakReport report) {
    System.err.println("hackleak: held memory grows with the tests of " + name + "\n" + report);
  }

  /**
   * Takes note of a test of a framework that does not tell when a class has ended: when a test of
   * another one ends, or the JVM does, what has grown is told on stderr and fails nothing.
   *
   * @param name of the class, for the reports
   * @param check how the test was checked
   * @param watch has ended
   */
  public static void follow(String name, LeakCheck check, LeakWatch watch) {
    if (check.ofLimits) {
      return;
    }
    TestSeries before = null;
    TestSeries now;
    synchronized (TestSeries.class) {
      if (followed == null || !followed.name.equals(name)) {
        before = followed;
        followed = begin(name, check);
        if (!hooked) {
          hooked = true;
          Thread hook = new Thread(TestSeries::tellLast, "hackleak-end-of-tests");
          Runtime.getRuntime().addShutdownHook(hook);
        }
      }
      now = followed;
    }
    if (before != null) {
      before.tellAtMost();
    }
    now.ended(watch);
  }

  private static void tellLast() {
    TestSeries last;
    synchronized (TestSeries.class) {
      last = followed;
      followed = null;
    }
    if (last != null) {
      last.tellAtMost();
    }
  }

  /** Without a test that could answer for it. */
  private void tellAtMost() {
    try {
      LeakReport report = SystemProperties.growing() == Held.IGNORE ? null : grown();
      if (report != null) {
        tell(report);
      }
    } catch (RuntimeException | LinkageError e) {
      System.err.println("hackleak: whether memory grew with the tests of " + name + ": " + e);
    }
  }

  /** Null if nothing has grown, as far as can be told. */
  private synchronized LeakReport grown() {
    int fewest = SystemProperties.growingTests();
    if (tests.size() < fewest
        || ParallelRun.isParallel()
        || !recorder.describe().tellsHolders(check.held())) {
      return null;
    }
    int first = tests.get(0).epoch;
    List<Map<Long, Long>> now = new ArrayList<>();
    tests.forEach(test -> now.add(new HashMap<>()));
    if (recorder.leaksSince(first, 0, Ownership.ANY)[0] > 0) {
      each(
          recorder.liveByStack(first),
          (stack, epoch, blocks) -> now.get(testOf(epoch)).merge(stack, blocks, Long::sum));
    }
    Set<Long> fell = fell(now);
    long grew = now.stream().filter(live -> !fell.containsAll(live.keySet())).count();
    if (grew < fewest) {
      return null;
    }
    int[] epochs = new int[tests.size() + 1];
    for (int i = 0; i < tests.size(); i++) {
      epochs[i] = tests.get(i).epoch;
    }
    epochs[tests.size()] = recorder.checkpoint(name);
    LeakCheck grows = check.growingWithTests(epochs, fewest, fell).withFinished(finished);
    LeakReport report = new LeakQuery(recorder, Checkpoint.at(first, name), grows).run();
    // Without a reporter nobody has looked for growth, and each test has answered for the rest.
    boolean found =
        report.hasLeaks()
            && report.sites().stream().allMatch(site -> site.verdict() == LeakVerdict.GROWING);
    return found && isNews(report) ? report : null;
  }

  private static boolean isNews(LeakReport report) {
    boolean news = false;
    synchronized (TOLD) {
      for (LeakSite site : report.sites()) {
        news |= TOLD.add(site.kind() + StackText.of(site.frames()));
      }
    }
    return news;
  }

  /** The last test that had begun by then. */
  private int testOf(long epoch) {
    int test = tests.size() - 1;
    while (test > 0 && tests.get(test).epoch > epoch) {
      test--;
    }
    return test;
  }

  /** The stacks of which a test had left more than there is now. */
  private Set<Long> fell(List<Map<Long, Long>> now) {
    Set<Long> fell = new HashSet<>();
    for (int i = 0; i < tests.size(); i++) {
      Map<Long, Long> left = now.get(i);
      tests
          .get(i)
          .live
          .forEach(
              (stack, blocks) -> {
                if (left.getOrDefault(stack, 0L) < blocks) {
                  fell.add(stack);
                }
              });
    }
    return fell;
  }

  private interface Row {
    void take(long stack, long epoch, long blocks);
  }

  private static void each(long[] triples, Row row) {
    for (int i = 0; i + 2 < triples.length; i += 3) {
      row.take(triples[i], triples[i + 1], triples[i + 2]);
    }
  }

  /** A test that has ended: when it began, and what it had left by stack. */
  private static final class Ended {
    private final int epoch;
    private final Map<Long, Long> live;

    Ended(int epoch, Map<Long, Long> live) {
      this.epoch = epoch;
      this.live = live;
    }
  }
}
