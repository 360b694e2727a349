package dev.hackleak.junit4;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import dev.hackleak.LeakCheck;
import dev.hackleak.LeakError;
import dev.hackleak.SimulatedRecording;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.After;
import org.junit.AfterClass;
import org.junit.Before;
import org.junit.BeforeClass;
import org.junit.ClassRule;
import org.junit.FixMethodOrder;
import org.junit.Rule;
import org.junit.Test;
import org.junit.runner.JUnitCore;
import org.junit.runner.Result;
import org.junit.runner.notification.Failure;
import org.junit.runners.MethodSorters;

public class NoLeaksRuleTest {
  private static SimulatedRecording recording;

  public static class EachTest {
    @Rule public final NoLeaksRule noLeaks = NoLeaksRule.noLeaks();
    private int live;

    @Before
    public void open() {
      recording.allocate(1);
      live = 1;
    }

    @After
    public void close() {
      recording.freeNewest(live);
    }

    @Test
    public void clean() {}

    @Test
    public void leaks() {
      recording.allocate(2);
    }

    @Test
    public void forgetsAfter() {
      live = 0;
    }

    @Test
    public void failsAndLeaks() {
      recording.allocate(1);
      throw new IllegalStateException("mine");
    }

    @Test
    public void failsOnly() {
      throw new IllegalStateException("mine alone");
    }
  }

  public static class SharedAndClosed {
    @ClassRule public static final NoLeaksRule NO_LEAKS = NoLeaksRule.noLeaks();

    @BeforeClass
    public static void open() {
      recording.allocate(1);
    }

    @Test
    public void opens() {
      recording.allocate(1);
    }

    @AfterClass
    public static void close() {
      recording.freeNewest(2);
    }
  }

  public static class SharedAndForgotten {
    @ClassRule public static final NoLeaksRule NO_LEAKS = NoLeaksRule.noLeaks();

    @Test
    public void opens() {
      recording.allocate(1);
    }
  }

  @FixMethodOrder(MethodSorters.NAME_ASCENDING)
  public static class Rounds {
    @Rule
    public final NoLeaksRule noLeaks =
        NoLeaksRule.checking(LeakCheck.standard()).repeat(1, 2).inParallel();

    private int runs;

    @Test
    public void initialises() {
      if (++runs < 3) {
        recording.allocate(1);
      }
    }

    @Test
    public void grows() {
      recording.allocate(1);
    }
  }

  @Test
  public void exactlyTheTestsThatLeakFail() {
    assertEquals(
        "failsAndLeaks: IllegalStateException + 1, failsOnly: IllegalStateException + 0,"
            + " forgetsAfter: LeakError + 0, leaks: LeakError + 0",
        failures(EachTest.class));
  }

  @Test
  public void aClassRuleAnswersForWhatTestsShare() {
    assertEquals("", failures(SharedAndClosed.class));
    assertEquals("null: LeakError + 0", failures(SharedAndForgotten.class));
  }

  @Test
  public void onlyWhatGrowsCounts() {
    assertEquals("grows: LeakError + 0", failures(Rounds.class));
  }

  @Test
  public void unrecordedTestsPassUnlessRequired() {
    try (SimulatedRecording none = SimulatedRecording.inactive("nobody preloaded it")) {
      assertTrue(JUnitCore.runClasses(Unrecorded.class).wasSuccessful());
      System.setProperty("hackleak.required", "true");
      Result result = JUnitCore.runClasses(Unrecorded.class);
      assertEquals(1, result.getFailureCount());
      String message = result.getFailures().get(0).getMessage();
      assertTrue(message, message.contains("nobody preloaded it"));
    } finally {
      System.clearProperty("hackleak.required");
    }
  }

  public static class Unrecorded {
    @Rule public final NoLeaksRule noLeaks = NoLeaksRule.noLeaks();

    @Test
    public void passes() {}
  }

  private static String failures(Class<?> tests) {
    try (SimulatedRecording active = SimulatedRecording.active()) {
      recording = active;
      List<Failure> failures = JUnitCore.runClasses(tests).getFailures();
      return failures.stream()
          .map(NoLeaksRuleTest::describe)
          .sorted()
          .collect(Collectors.joining(", "));
    }
  }

  private static String describe(Failure failure) {
    Throwable thrown = failure.getException();
    if (thrown instanceof LeakError) {
      assertTrue(
          thrown.getMessage(),
          thrown.getMessage().contains("1,999,993") || thrown.getMessage().contains("3,999,986"));
    }
    return failure.getDescription().getMethodName()
        + ": "
        + thrown.getClass().getSimpleName()
        + " + "
        + thrown.getSuppressed().length;
  }
}
