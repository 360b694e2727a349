package dev.hackleak.testng;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.hackleak.SimulatedRecording;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CyclicBarrier;
import org.testng.ITestContext;
import org.testng.ITestResult;
import org.testng.SkipException;
import org.testng.TestListenerAdapter;
import org.testng.TestNG;
import org.testng.annotations.DataProvider;
import org.testng.annotations.Test;
import org.testng.xml.XmlSuite.ParallelMode;

/** Runs TestNG by itself: it does not bear another run of its own around it. */
class NoLeaksListenerTest {
  private static SimulatedRecording recording;

  @NoLeaks(settleLimitMillis = 100)
  public static class Annotated {
    @Test
    public void clean() {
      recording.allocate(1);
      recording.freeNewest(1);
    }

    @Test
    public void leaks() {
      recording.allocate(1);
    }

    @Test
    @NoLeaks(false)
    public void leftOut() {
      recording.allocate(1);
    }

    @Test
    public void failsAndLeaks() {
      recording.allocate(1);
      throw new IllegalStateException("mine");
    }

    @Test
    public void skipsAndLeaks() {
      recording.allocate(1);
      throw new SkipException("mine");
    }
  }

  public static class Plain {
    @Test
    public void leaks() {
      recording.allocate(1);
    }

    @Test
    @NoLeaks
    public void annotated() {
      recording.allocate(1);
    }
  }

  @NoLeaks(settle = false)
  public static class Together {
    private static final CyclicBarrier BARRIER = new CyclicBarrier(2);

    @Test
    public void leaky() throws Exception {
      BARRIER.await();
      recording.allocate(1);
      BARRIER.await();
    }

    @Test
    public void clean() throws Exception {
      BARRIER.await();
      BARRIER.await();
    }
  }

  @org.junit.jupiter.api.Test
  void exactlyTheMethodsThatLeakFail() {
    assertEquals(
        run(Annotated.class, ParallelMode.NONE),
        "{clean=passed, failsAndLeaks=IllegalStateException + 1, leaks=LeakError + 0,"
            + " leftOut=passed, skipsAndLeaks=skipped + 1}");
  }

  @org.junit.jupiter.api.Test
  void allMethodsAreCheckedOnRequestOnly() {
    assertEquals(run(Plain.class, ParallelMode.NONE), "{annotated=LeakError + 0, leaks=passed}");
    System.setProperty("hackleak.everyTest", "true");
    try {
      assertEquals(
          run(Plain.class, ParallelMode.NONE), "{annotated=LeakError + 0, leaks=LeakError + 0}");
    } finally {
      System.clearProperty("hackleak.everyTest");
    }
  }

  @org.junit.jupiter.api.Test
  void aMisspeltRequestIsAnError() {
    System.setProperty("hackleak.everyTest", "ture");
    try {
      assertEquals(
          run(Plain.class, ParallelMode.NONE),
          "{annotated=LeakError + 0, leaks=IllegalArgumentException + 0}");
    } finally {
      System.clearProperty("hackleak.everyTest");
    }
  }

  public static class Wrong {
    @Test
    @NoLeaks(allowBytes = -5)
    public void bytes() {}

    @Test
    @NoLeaks(allowBlocks = -2)
    public void blocks() {}

    @Test
    @NoLeaks(allowBytes = -1, allowBlocks = 0)
    public void right() {}
  }

  @org.junit.jupiter.api.Test
  void aNegativeAllowanceIsAnError() {
    assertEquals(
        run(Wrong.class, ParallelMode.NONE),
        "{blocks=IllegalArgumentException + 0, bytes=IllegalArgumentException + 0, right=passed}");
  }

  @org.junit.jupiter.api.Test
  void parallelMethodsAnswerForTheirOwnThread() {
    assertEquals(run(Together.class, ParallelMode.METHODS), "{clean=passed, leaky=LeakError + 0}");
  }

  public static class Arguments {
    private static final StringBuilder MADE = new StringBuilder("made");

    @DataProvider
    public static Object[][] made() {
      return new Object[][] {{MADE, ParallelMode.NONE}};
    }

    @Test(dataProvider = "made")
    @NoLeaks(settle = false)
    public void leaks(StringBuilder made, ParallelMode shared, ITestContext context) {
      recording.allocate(1);
    }
  }

  @org.junit.jupiter.api.Test
  void argumentsEndWithTheTestAndSharedObjectsDoNot() {
    try (SimulatedRecording active = SimulatedRecording.active()) {
      recording = active;
      active.reachable();
      execute(Arguments.class, ParallelMode.NONE);
      assertEquals(active.finished(), Collections.singletonList(Arguments.MADE));
    }
  }

  @org.junit.jupiter.api.Test
  void unrecordedTestsPassUnlessRequired() {
    try (SimulatedRecording none = SimulatedRecording.inactive("nobody preloaded it")) {
      assertEquals(execute(Unrecorded.class, ParallelMode.NONE), "{passes=passed}");
      System.setProperty("hackleak.required", "true");
      String failed = execute(Unrecorded.class, ParallelMode.NONE);
      assertTrue(!failed.contains("passed"), failed);
    } finally {
      System.clearProperty("hackleak.required");
    }
  }

  @NoLeaks
  public static class Unrecorded {
    @Test
    public void passes() {}
  }

  private static String run(Class<?> tests, ParallelMode parallel) {
    try (SimulatedRecording active = SimulatedRecording.active()) {
      recording = active;
      return execute(tests, parallel);
    }
  }

  /** A run inside of the run. */
  private static String execute(Class<?> tests, ParallelMode parallel) {
    TestNG testng = new TestNG(false);
    TestListenerAdapter outcomes = new TestListenerAdapter();
    testng.addListener(outcomes);
    testng.setTestClasses(new Class<?>[] {tests});
    testng.setParallel(parallel);
    testng.setThreadCount(2);
    testng.setVerbose(0);
    testng.run();
    Map<String, String> found = new TreeMap<>();
    outcomes.getPassedTests().forEach(test -> found.put(test.getName(), "passed"));
    outcomes.getFailedTests().forEach(test -> found.put(test.getName(), thrown(test)));
    outcomes
        .getSkippedTests()
        .forEach(
            test ->
                found.put(
                    test.getName(), "skipped + " + test.getThrowable().getSuppressed().length));
    return found.toString();
  }

  private static String thrown(ITestResult test) {
    Throwable thrown = test.getThrowable();
    return thrown.getClass().getSimpleName() + " + " + thrown.getSuppressed().length;
  }
}
