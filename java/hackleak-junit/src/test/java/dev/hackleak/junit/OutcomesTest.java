package dev.hackleak.junit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.hackleak.LeakError;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Disabled;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.testkit.engine.EngineExecutionResults;
import org.junit.platform.testkit.engine.Event;
import org.opentest4j.TestAbortedException;

/** A leak is the outcome of tests that pass; those that were skipped or failed have one already. */
class OutcomesTest {
  private static final String MINE = "mine";

  private static void leakAndSkip() {
    Recorded.recording.allocate(2);
    assumeTrue(false, MINE);
  }

  private static void leakAndFail() {
    Recorded.recording.allocate(2);
    throw new IllegalStateException(MINE);
  }

  @NoLeaks(settle = false)
  static class InTheTest {
    @Test
    void skipped() {
      leakAndSkip();
    }

    @Test
    void skippedClean() {
      Recorded.recording.allocate(2);
      Recorded.recording.freeNewest(2);
      assumeTrue(false, MINE);
    }

    @Test
    void failed() {
      leakAndFail();
    }

    @Test
    void failedClean() {
      throw new IllegalStateException(MINE);
    }

    @Test
    void failedForGood() {
      Recorded.recording.allocate(2);
      throw new Unsuppressing();
    }

    @Test
    @Timeout(value = 1, threadMode = Timeout.ThreadMode.SAME_THREAD)
    void interrupted() throws Exception {
      Recorded.recording.allocate(2);
      Thread.sleep(600_000);
    }

    @Test
    void expected() {
      Assertions.assertThrows(IllegalStateException.class, OutcomesTest::leakAndFail);
    }

    @Test
    @Disabled
    void disabled() {
      leakAndFail();
    }

    @ParameterizedTest(name = "row {index}")
    @ValueSource(strings = {"skipped", "failed", "passed"})
    void each(String outcome) {
      if (outcome.equals("skipped")) {
        leakAndSkip();
      } else if (outcome.equals("failed")) {
        leakAndFail();
      }
    }
  }

  private static final class Unsuppressing extends RuntimeException {
    private static final long serialVersionUID = 1;

    Unsuppressing() {
      super(MINE, null, false, false);
    }
  }

  @Test
  void whatTheTestItselfThrowsStays() {
    assertEquals(
        "{expected()=FAILED leak, failed()=FAILED mine + 1, failedClean()=FAILED mine + 0,"
            + " failedForGood()=FAILED mine + 0, interrupted()=FAILED timeout + 1,"
            + " row 1=ABORTED mine + 1, row 2=FAILED mine + 1, row 3=SUCCESSFUL,"
            + " skipped()=ABORTED mine + 1, skippedClean()=ABORTED mine + 0}",
        tests(InTheTest.class));
  }

  @Test
  void whatSkippedAndFailedTestsLeaveBehindIsToldOnce() {
    PrintStream err = System.err;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    System.setErr(new PrintStream(printed));
    try {
      tests(InTheTest.class);
    } finally {
      System.setErr(err);
    }
    String leaked = "; it leaked 3,999,986 bytes in 2 blocks";
    for (String told :
        new String[] {
          "skipped()` stays skipped",
          "failed()` failed for another reason",
          "failedForGood()` failed for another reason",
          "each(String) > row 1` stays skipped"
        }) {
      String line = "hackleak: `InTheTest > " + told + leaked;
      assertEquals(1, printed.toString().split(Pattern.quote(line), -1).length - 1, line);
    }
    assertTrue(!printed.toString().contains("Clean"), printed.toString());
  }

  @NoLeaks(settle = false)
  static class BeforeEachSkips {
    @BeforeEach
    void open() {
      leakAndSkip();
    }

    @Test
    void test() {}
  }

  @NoLeaks(settle = false)
  static class AfterEachSkips {
    @AfterEach
    void close() {
      leakAndSkip();
    }

    @Test
    void passed() {}

    @Test
    void failed() {
      throw new IllegalStateException(MINE);
    }
  }

  @NoLeaks(settle = false)
  static class ConstructorSkips {
    ConstructorSkips() {
      leakAndSkip();
    }

    @Test
    void test() {}
  }

  @Test
  void assumptionsAroundTheTestSkipItAsWell() {
    assertEquals("{test()=ABORTED mine + 1}", tests(BeforeEachSkips.class));
    assertEquals(
        "{failed()=FAILED mine + 1, passed()=ABORTED mine + 1}", tests(AfterEachSkips.class));
    assertEquals("{test()=ABORTED mine + 0}", tests(ConstructorSkips.class));
  }

  @NoLeaks(settle = false, per = NoLeaks.Per.CLASS)
  static class ClassSkips {
    @BeforeAll
    static void open() {
      leakAndSkip();
    }

    @Test
    void test() {}
  }

  @NoLeaks(settle = false, per = NoLeaks.Per.CLASS)
  static class ClassSkipsAfterwards {
    @Test
    void test() {}

    @AfterAll
    static void close() {
      leakAndSkip();
    }
  }

  @NoLeaks(settle = false, per = NoLeaks.Per.CLASS)
  static class ClassFails {
    @BeforeAll
    static void open() {
      leakAndFail();
    }

    @Test
    void test() {}
  }

  @Test
  void classesThatSkipOrFailKeepTheirOutcomeToo() {
    assertEquals("{ClassSkips=ABORTED mine + 1}", containers(ClassSkips.class));
    assertEquals("{ClassSkipsAfterwards=ABORTED mine + 1}", containers(ClassSkipsAfterwards.class));
    assertEquals("{ClassFails=FAILED mine + 1}", containers(ClassFails.class));
  }

  @NoLeaks(settle = false, repeat = 3, warmup = 1)
  static class InRounds {
    private int runs;

    @Test
    void skippedInTheWarmup() {
      leakAndSkip();
    }

    @Test
    void skippedInTheLastRound() {
      Recorded.recording.allocate(2);
      assumeTrue(++runs < 4, MINE);
    }

    @Test
    void failedInTheLastRound() {
      Recorded.recording.allocate(2);
      if (++runs == 4) {
        throw new IllegalStateException(MINE);
      }
    }

    @TestFactory
    Stream<DynamicTest> dynamicTests() {
      return Stream.of(
          DynamicTest.dynamicTest("dynamic skipped", OutcomesTest::leakAndSkip),
          DynamicTest.dynamicTest("dynamic failed", OutcomesTest::leakAndFail));
    }
  }

  @NoLeaks(settle = false, repeat = 2)
  static class OnceInAFactory {
    private boolean initialised;

    @TestFactory
    Stream<DynamicTest> dynamicTests() {
      return Stream.of(
          DynamicTest.dynamicTest(
              "once",
              () -> {
                Recorded.recording.allocate(initialised ? 0 : 2);
                initialised = true;
              }));
    }
  }

  @Test
  void roundsEndWithTheFirstThatDoesNotPass() {
    assertEquals(
        "{dynamic failed=FAILED mine + 0, dynamic skipped=ABORTED mine + 0,"
            + " failedInTheLastRound()=FAILED mine + 0,"
            + " skippedInTheLastRound()=ABORTED mine + 0,"
            + " skippedInTheWarmup()=ABORTED mine + 0}",
        tests(InRounds.class));
    assertEquals("{InRounds=SUCCESSFUL, dynamicTests()=SUCCESSFUL}", containers(InRounds.class));
    assertEquals("{once=SUCCESSFUL}", tests(OnceInAFactory.class));
    assertEquals(
        "{OnceInAFactory=SUCCESSFUL, dynamicTests()=SUCCESSFUL}", containers(OnceInAFactory.class));
  }

  @NoLeaks(settle = false)
  static class Factory {
    @TestFactory
    Stream<DynamicTest> dynamicTests() {
      return Stream.of(
          DynamicTest.dynamicTest("skipped", OutcomesTest::leakAndSkip),
          DynamicTest.dynamicTest("failed", OutcomesTest::leakAndFail),
          DynamicTest.dynamicTest("passed", () -> {}));
    }

    @TestFactory
    Stream<DynamicTest> skippedItself() {
      leakAndSkip();
      return Stream.empty();
    }
  }

  @Test
  void dynamicTestsAndTheirFactoriesKeepTheirOutcome() {
    assertEquals(
        "{failed=FAILED mine + 1, passed=SUCCESSFUL, skipped=ABORTED mine + 1}",
        tests(Factory.class));
    assertEquals(
        "{Factory=SUCCESSFUL, dynamicTests()=SUCCESSFUL, skippedItself()=ABORTED mine + 1}",
        containers(Factory.class));
  }

  @Test
  void assumptionsOfJUnit4AreKnownByTheirName() {
    assertTrue(Aborted.is(new TestAbortedException()));
    assertTrue(Aborted.is(new TestAbortedException() {}));
    assertTrue(!Aborted.is(new IllegalStateException(new TestAbortedException())));
  }

  private static String tests(Class<?> tests) {
    EngineExecutionResults results = Recorded.runAll(tests);
    return outcomes(results.testEvents().finished().list().stream());
  }

  private static String containers(Class<?> tests) {
    EngineExecutionResults results = Recorded.runAll(tests);
    return outcomes(
        results.containerEvents().finished().list().stream()
            .filter(event -> !event.getTestDescriptor().getDisplayName().contains("Jupiter")));
  }

  private static String outcomes(Stream<Event> events) {
    Map<String, String> outcomes = new TreeMap<>();
    events.forEach(
        event -> {
          TestExecutionResult result = event.getRequiredPayload(TestExecutionResult.class);
          String name = event.getTestDescriptor().getDisplayName();
          String why = result.getThrowable().map(OutcomesTest::why).orElse("");
          outcomes.put(name.replaceAll(".*\\$", ""), result.getStatus() + why);
        });
    return outcomes.toString();
  }

  private static String why(Throwable thrown) {
    if (thrown instanceof LeakError) {
      return " leak";
    }
    boolean mine = String.valueOf(thrown.getMessage()).endsWith(MINE);
    String message = mine ? MINE : thrown.getMessage().contains("timed out") ? "timeout" : "?";
    long leaks = Stream.of(thrown.getSuppressed()).filter(LeakError.class::isInstance).count();
    return " " + message + " + " + leaks;
  }
}
