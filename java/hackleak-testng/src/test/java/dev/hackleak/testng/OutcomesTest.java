package dev.hackleak.testng;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.hackleak.LeakError;
import dev.hackleak.SimulatedRecording;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.testng.IRetryAnalyzer;
import org.testng.ITestResult;
import org.testng.SkipException;
import org.testng.TestListenerAdapter;
import org.testng.TestNG;
import org.testng.annotations.BeforeMethod;
import org.testng.annotations.DataProvider;
import org.testng.annotations.Test;

/** A leak is the outcome of tests that pass; those that were skipped or failed have one already. */
class OutcomesTest {
  private static SimulatedRecording recording;

  private static void leakAndFail() {
    recording.allocate(2);
    throw new IllegalStateException("mine");
  }

  @NoLeaks(settle = false)
  public static class InTheTest {
    @Test
    public void skipped() {
      recording.allocate(2);
      throw new SkipException("mine");
    }

    @Test
    public void skippedClean() {
      throw new SkipException("mine");
    }

    @Test
    public void failed() {
      leakAndFail();
    }

    @Test(dependsOnMethods = "failed")
    public void skippedForAnother() {
      leakAndFail();
    }

    @Test(expectedExceptions = IllegalStateException.class)
    public void expected() {
      leakAndFail();
    }

    @Test(expectedExceptions = IllegalStateException.class)
    public void expectedAndClean() {
      throw new IllegalStateException("mine");
    }

    @Test(expectedExceptions = AssertionError.class)
    public void expectedInVain() {
      recording.allocate(2);
    }

    @Test(enabled = false)
    public void disabled() {
      leakAndFail();
    }

    @DataProvider
    public Object[][] rows() {
      return new Object[][] {{"skipped"}, {"passed"}};
    }

    @Test(dataProvider = "rows")
    public void rows(String outcome) {
      if (outcome.equals("skipped")) {
        recording.allocate(2);
        throw new SkipException("mine");
      }
    }
  }

  @NoLeaks(settle = false)
  public static class BeforeSkips {
    @BeforeMethod
    public void open() {
      recording.allocate(2);
      throw new SkipException("mine");
    }

    @Test
    public void test() {}
  }

  @NoLeaks(settle = false)
  public static class TimesOut {
    @Test(timeOut = 10)
    public void test() throws InterruptedException {
      recording.allocate(2);
      Thread.sleep(600_000);
    }
  }

  /** Says no: a failure stays one. */
  public static class Never implements IRetryAnalyzer {
    @Override
    public boolean retry(ITestResult result) {
      return false;
    }
  }

  @NoLeaks(settle = false)
  public static class Retried {
    @Test(retryAnalyzer = Never.class)
    public void failed() {
      leakAndFail();
    }
  }

  @org.junit.jupiter.api.Test
  void whatTheTestItselfThrowsStays() {
    assertEquals(
        "{expected=failed LeakError + 0, expectedAndClean=passed,"
            + " expectedInVain=failed TestException + 1, failed=failed IllegalStateException + 1,"
            + " rows=passed skipped SkipException + 1, skipped=skipped SkipException + 1,"
            + " skippedClean=skipped SkipException + 0,"
            + " skippedForAnother=skipped Throwable + 0}",
        outcomes(InTheTest.class));
    assertEquals("{failed=failed IllegalStateException + 1}", outcomes(Retried.class));
    // Whether the method came to its allocation before its time was up, nobody can say.
    String timedOut = outcomes(TimesOut.class);
    assertTrue(timedOut.startsWith("{test=failed ThreadTimeoutException"), timedOut);
  }

  @org.junit.jupiter.api.Test
  void aConfigurationThatSkipsTheTestSkipsIt() {
    assertEquals("{test=skipped SkipException + 0}", outcomes(BeforeSkips.class));
  }

  @org.junit.jupiter.api.Test
  void whatASkippedTestLeavesBehindIsToldOnce() {
    PrintStream err = System.err;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    System.setErr(new PrintStream(printed));
    try {
      outcomes(InTheTest.class);
    } finally {
      System.setErr(err);
    }
    String told =
        "hackleak: `InTheTest > skipped` stays skipped; it leaked 3,999,986 bytes in 2 blocks";
    assertEquals(2, printed.toString().split(told, -1).length, printed.toString());
  }

  private static String outcomes(Class<?> tests) {
    TestNG testng = new TestNG(false);
    TestListenerAdapter outcomes = new TestListenerAdapter();
    testng.addListener(outcomes);
    testng.setTestClasses(new Class<?>[] {tests});
    testng.setVerbose(0);
    try (SimulatedRecording active = SimulatedRecording.active()) {
      recording = active;
      testng.run();
    }
    Map<String, String> found = new TreeMap<>();
    outcomes.getPassedTests().forEach(test -> add(found, test, "passed"));
    outcomes.getFailedTests().forEach(test -> add(found, test, "failed" + why(test)));
    outcomes.getSkippedTests().forEach(test -> add(found, test, "skipped" + why(test)));
    return found.toString();
  }

  private static void add(Map<String, String> found, ITestResult test, String outcome) {
    found.merge(test.getName(), outcome, (first, next) -> first + " " + next);
  }

  private static String why(ITestResult test) {
    Throwable thrown = test.getThrowable();
    if (thrown == null) {
      return "";
    }
    long leaks = Stream.of(thrown.getSuppressed()).filter(LeakError.class::isInstance).count();
    return " " + thrown.getClass().getSimpleName() + " + " + leaks;
  }
}
