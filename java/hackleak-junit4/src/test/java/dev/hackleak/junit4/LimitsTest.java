package dev.hackleak.junit4;

import static org.junit.Assert.assertEquals;

import dev.hackleak.LeakCheck;
import dev.hackleak.SimulatedRecording;
import java.util.stream.Collectors;
import org.junit.Rule;
import org.junit.Test;
import org.junit.runner.JUnitCore;
import org.junit.runner.Result;
import org.junit.runner.notification.Failure;

public class LimitsTest {
  private static final long BLOCK = 1_999_993;

  private static SimulatedRecording recording;

  public static class Limited {
    @Rule
    public final NoLeaksRule limits =
        NoLeaksRule.checking(LeakCheck.ofLimits().peakBytes(BLOCK).allocations(2));

    @Test
    public void within() {
      recording.allocate(1);
    }

    @Test
    public void beyond() {
      recording.allocate(2);
    }
  }

  public static class InRounds {
    @Rule
    public final NoLeaksRule limits =
        NoLeaksRule.checking(LeakCheck.standard().peakBytes(BLOCK)).repeat(1, 4);

    @Test
    public void within() {
      recording.allocate(1);
      recording.freeNewest(1);
    }
  }

  private static String failures(Class<?> tests) {
    try (SimulatedRecording active = SimulatedRecording.active()) {
      recording = active;
      Result result = JUnitCore.runClasses(tests);
      return result.getFailures().stream()
          .map(Failure::getMessage)
          .collect(Collectors.joining("\n"));
    } finally {
      recording = null;
    }
  }

  @Test
  public void testsBeyondTheirLimitsFail() {
    assertEquals(
        "`Limited > beyond` had 3,999,986 bytes (3.81 MiB) of native memory live at its peak; its"
            + " limit is 1,999,993 bytes (1.91 MiB) (peakBytes = 1999993)",
        failures(Limited.class));
  }

  @Test
  public void eachRoundIsCountedByItself() {
    assertEquals("", failures(InRounds.class));
  }
}
