package dev.hackleak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import ai.rapids.cudf.MemoryCleaner;
import org.junit.jupiter.api.Test;

class CudfCleanerTest {
  @Test
  void settlingWaitsForItAndTheReportHasWhatItFound() {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      Checkpoint checkpoint = HackLeak.checkpoint();
      recording.allocate(1);
      // It takes longer than the quiet window.
      MemoryCleaner.register(new Object(), () -> recording.freeNewest(1));
      LeakReport report = HackLeak.leaksSince(checkpoint, LeakCheck.standard().settling(true));
      assertFalse(report.hasLeaks());
      String note = "cuDF's cleaner freed 1 object that nobody had closed, which its log calls";
      assertEquals(note + " WAS LEAKED", report.notes().get(0));

      Checkpoint later = HackLeak.checkpoint();
      recording.allocate(1);
      LeakReport leak = HackLeak.leaksSince(later, LeakCheck.standard().settling(false));
      assertEquals(1, leak.blocks());
      assertFalse(leak.toString().contains("cuDF"), leak.toString());
    }
  }
}
