package dev.hackleak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import org.junit.jupiter.api.Test;

class ExitCheckTest {
  @Test
  void reportsWhatIsLeftOfAllThatWasRecorded() {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      recording.allocate(2);
      recording.onGc(() -> recording.freeNewest(recording.gcs() == 1 ? 1 : 0));
      String text = atExit(true);
      assertTrue(text.startsWith("leaked 1,999,993 bytes in 1 block\n"), text);
    }
  }

  @Test
  void settlesWithoutAWordWhenNoReportIsWanted() {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      recording.allocate(1);
      recording.onGc(() -> recording.freeNewest(1));
      assertEquals("", atExit(false));
      assertEquals(1, recording.gcs());
    }
  }

  @Test
  void failuresAreOneLine() {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      recording.allocate(1);
      recording.onGc(
          () -> {
            throw new IllegalStateException("no collection now");
          });
      assertEquals(
          "hackleak: the check at JVM exit failed:"
              + " java.lang.IllegalStateException: no collection now\n",
          atExit(true));
    }
  }

  private static String atExit(boolean report) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ExitCheck.atExit(report, new PrintStream(bytes));
    return bytes.toString();
  }
}
