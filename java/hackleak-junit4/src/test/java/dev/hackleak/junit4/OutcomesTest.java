package dev.hackleak.junit4;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import dev.hackleak.LeakCheck;
import dev.hackleak.LeakError;
import dev.hackleak.SimulatedRecording;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.After;
import org.junit.Assume;
import org.junit.Before;
import org.junit.BeforeClass;
import org.junit.ClassRule;
import org.junit.Ignore;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.ExpectedException;
import org.junit.rules.RuleChain;
import org.junit.runner.Description;
import org.junit.runner.JUnitCore;
import org.junit.runner.notification.Failure;
import org.junit.runner.notification.RunListener;

/** A leak is the outcome of tests that pass; those that were skipped or failed have one already. */
public class OutcomesTest {
  private static final NoLeaksRule UNSETTLED = NoLeaksRule.checking(LeakCheck.standard());

  private static SimulatedRecording recording;

  private static void leakAndSkip() {
    recording.allocate(2);
    Assume.assumeTrue(false);
  }

  private static void leakAndFail() {
    recording.allocate(2);
    throw new IllegalStateException("mine");
  }

  public static class InTheTest {
    @Rule public final NoLeaksRule noLeaks = UNSETTLED;

    @Test
    public void skipped() {
      leakAndSkip();
    }

    @Test
    @SuppressWarnings("deprecation")
    public void skippedAsBefore412() {
      recording.allocate(2);
      throw new org.junit.internal.AssumptionViolatedException("mine");
    }

    @Test
    public void failed() {
      leakAndFail();
    }

    @Test(expected = IllegalStateException.class)
    public void expected() {
      leakAndFail();
    }

    @Test(expected = AssertionError.class)
    public void expectedAndClean() {
      throw new AssertionError("mine");
    }

    @Test(expected = AssertionError.class)
    public void expectedInVain() {
      recording.allocate(2);
    }

    @Test
    @Ignore
    public void ignored() {
      leakAndFail();
    }
  }

  public static class TimesOut {
    @Rule public final NoLeaksRule noLeaks = UNSETTLED;

    @Before
    public void open() {
      recording.allocate(2);
    }

    @Test(timeout = 1)
    public void test() throws InterruptedException {
      Thread.sleep(600_000);
    }
  }

  public static class BeforeSkips {
    @Rule public final NoLeaksRule noLeaks = UNSETTLED;

    @Before
    public void open() {
      leakAndSkip();
    }

    @Test
    public void test() {}
  }

  public static class AfterFails {
    @Rule public final NoLeaksRule noLeaks = UNSETTLED;

    @Test
    public void failed() {
      leakAndFail();
    }

    @Test
    public void skipped() {
      leakAndSkip();
    }

    @After
    public void close() {
      throw new IllegalArgumentException("mine as well");
    }
  }

  public static class ClassSkips {
    @ClassRule public static final NoLeaksRule NO_LEAKS = UNSETTLED;

    @BeforeClass
    public static void open() {
      leakAndSkip();
    }

    @Test
    public void test() {}
  }

  public static class InRounds {
    @Rule
    public final NoLeaksRule noLeaks = NoLeaksRule.checking(LeakCheck.standard()).repeat(1, 2);

    private int runs;

    @Test
    public void skippedInTheLastRound() {
      recording.allocate(2);
      Assume.assumeTrue(++runs < 3);
    }
  }

  @SuppressWarnings("deprecation")
  public static class WithExpectations {
    private final ExpectedException thrown = ExpectedException.none();

    @Rule public final RuleChain rules = RuleChain.outerRule(UNSETTLED).around(thrown);

    @Test
    public void expected() {
      thrown.expect(IllegalStateException.class);
      leakAndFail();
    }

    @Test
    public void leakIsNotWhatWasExpected() {
      thrown.expect(LeakError.class);
      recording.allocate(2);
    }
  }

  @Test
  public void whatTheTestItselfThrowsStays() {
    assertEquals(
        "{expected=LeakError + 0, expectedAndClean=passed, expectedInVain=AssertionError + 1,"
            + " failed=IllegalStateException + 1, ignored=ignored,"
            + " skipped=skipped AssumptionViolatedException + 1,"
            + " skippedAsBefore412=skipped AssumptionViolatedException + 1}",
        outcomes(InTheTest.class));
    assertEquals("{test=TestTimedOutException + 1}", outcomes(TimesOut.class));
  }

  @Test
  public void assumptionsAroundTheTestSkipItAsWell() {
    String skipped = "skipped AssumptionViolatedException + ";
    assertEquals("{test=" + skipped + "1}", outcomes(BeforeSkips.class));
    assertEquals("{null=" + skipped + "1}", outcomes(ClassSkips.class));
    assertEquals("{skippedInTheLastRound=" + skipped + "0}", outcomes(InRounds.class));
  }

  @Test
  public void ofSeveralFailuresTheFirstHasTheLeak() {
    assertEquals(
        "{failed=IllegalStateException + 1 IllegalArgumentException + 0,"
            + " skipped=TestCouldNotBeSkippedException + 1 IllegalArgumentException + 0}",
        outcomes(AfterFails.class));
  }

  @Test
  public void expectationsInsideOfTheRuleDoNotTakeTheLeak() {
    assertEquals(
        "{expected=LeakError + 0, leakIsNotWhatWasExpected=AssertionError + 1}",
        outcomes(WithExpectations.class));
  }

  @Test
  public void whatASkippedTestLeavesBehindIsToldOnce() {
    PrintStream err = System.err;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    System.setErr(new PrintStream(printed));
    try {
      outcomes(BeforeSkips.class);
    } finally {
      System.setErr(err);
    }
    assertEquals(
        "hackleak: `BeforeSkips > test` stays skipped; it leaked 3,999,986 bytes in 2 blocks\n",
        printed.toString());
  }

  private static String outcomes(Class<?> tests) {
    Outcomes outcomes = new Outcomes();
    JUnitCore core = new JUnitCore();
    core.addListener(outcomes);
    try (SimulatedRecording active = SimulatedRecording.active()) {
      recording = active;
      core.run(tests);
    }
    assertTrue(outcomes.found.toString(), !outcomes.found.isEmpty());
    return outcomes.found.toString();
  }

  private static final class Outcomes extends RunListener {
    private final Map<String, String> found = new TreeMap<>();

    private void add(Description test, String outcome) {
      String name = String.valueOf(test.getMethodName());
      found.merge(name, outcome, (first, next) -> first + " " + next);
    }

    @Override
    public void testFinished(Description test) {
      found.putIfAbsent(test.getMethodName(), "passed");
    }

    @Override
    public void testIgnored(Description test) {
      add(test, "ignored");
    }

    @Override
    public void testFailure(Failure failure) {
      add(failure.getDescription(), describe(failure));
    }

    @Override
    public void testAssumptionFailure(Failure failure) {
      add(failure.getDescription(), "skipped " + describe(failure));
    }

    private static String describe(Failure failure) {
      Throwable thrown = failure.getException();
      long leaks = Stream.of(thrown.getSuppressed()).filter(LeakError.class::isInstance).count();
      return thrown.getClass().getSimpleName() + " + " + leaks;
    }
  }
}
