package dev.hackleak.junit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.hackleak.SimulatedRecording;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import org.junit.jupiter.api.Test;
import org.junit.platform.testkit.engine.EngineExecutionResults;

class UnrecordedTest {
  private static final String REQUIRED = "hackleak.required";

  @NoLeaks
  static class TwoTests {
    @Test
    void one() {}

    @Test
    void other() {}
  }

  @Test
  void testsRunUncheckedAndOneNoticeSaysSo() {
    PrintStream err = System.err;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    System.setErr(new PrintStream(printed));
    try (SimulatedRecording none = SimulatedRecording.inactive("nobody preloaded it")) {
      EngineExecutionResults results = Recorded.execute(TwoTests.class);
      assertEquals(2, results.testEvents().succeeded().count());
    } finally {
      System.setErr(err);
    }
    String notice = printed.toString();
    assertTrue(notice.startsWith("hackleak: native leaks are not looked for in this JVM"), notice);
    assertTrue(notice.contains("nobody preloaded it"), notice);
    assertTrue(notice.contains("LD_PRELOAD=/path/to/libhackleak.so"), notice);
    assertTrue(notice.contains("-Dhackleak.required=true"), notice);
    assertEquals(2, notice.split("\n").length, notice);
  }

  @Test
  void requiredMakesThemFail() {
    System.setProperty(REQUIRED, "true");
    try (SimulatedRecording none = SimulatedRecording.inactive("nobody preloaded it")) {
      EngineExecutionResults results = Recorded.execute(TwoTests.class);
      assertEquals(2, results.testEvents().failed().count());
      results.testEvents().failed().stream()
          .forEach(event -> assertTrue(event.toString().contains("nobody preloaded it")));
    } finally {
      System.clearProperty(REQUIRED);
    }
  }
}
