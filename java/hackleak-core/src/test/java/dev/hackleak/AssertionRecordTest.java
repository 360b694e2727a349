package dev.hackleak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class AssertionRecordTest {
  @Test
  void everyAssertionLeavesWhatItCameTo() {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      Checkpoint clean = HackLeak.checkpoint("clean");
      HackLeak.assertNoLeaks(clean);
      Checkpoint leaky = HackLeak.checkpoint("leaky");
      recording.allocate(2);
      assertThrows(LeakError.class, () -> HackLeak.assertNoLeaks(leaky));
      recording.freeNewest(2);
      recording.recorder().unrecorded = 1;
      HackLeak.assertNoLeaks(HackLeak.checkpoint(null));

      assertKept(recording, 0, AssertionRecord.PASSED, clean, 0);
      assertKept(recording, 1, AssertionRecord.FAILED, leaky, 2);
      assertEquals(AssertionRecord.INCOMPLETE, kept(recording, 2).outcome);
      assertNull(kept(recording, 2).label);
      assertEquals(3, recording.recorder().assertions.size());
    }
  }

  @Test
  void aCheckThatCannotBeMadeIsAnError() {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      Checkpoint since = HackLeak.checkpoint("broken");
      recording.recorder().description = null;
      recording.allocate(1);
      assertThrows(NullPointerException.class, () -> HackLeak.assertNoLeaks(since));
      assertEquals(AssertionRecord.ERROR, kept(recording, 0).outcome);
      assertEquals("broken", kept(recording, 0).label);
      assertEquals(0, kept(recording, 0).detail.indexOf("java.lang.NullPointerException"));
    }
  }

  @Test
  void askingIsNoAssertion() {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      HackLeak.leaksSince(HackLeak.checkpoint());
      assertEquals(0, recording.recorder().assertions.size());
    }
  }

  @Test
  void theExitCheckIsOneOfItsOwn() {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      ExitCheck.atExit(true, new java.io.PrintStream(new java.io.ByteArrayOutputStream()));
      assertEquals(AssertionRecord.EXIT, kept(recording, 0).check);
      assertEquals(AssertionRecord.PASSED, kept(recording, 0).outcome);
      assertEquals(0, kept(recording, 0).epoch);
      assertNull(kept(recording, 0).label);
    }
  }

  private static void assertKept(
      SimulatedRecording recording, int index, int outcome, Checkpoint since, int blocks) {
    AssertionRecord kept = kept(recording, index);
    assertEquals(outcome, kept.outcome);
    assertEquals(since.epoch(), kept.epoch);
    assertEquals(since.label().orElse(null), kept.label);
    assertEquals(blocks, kept.blocks);
    assertEquals(blocks * SimulatedRecorder.BLOCK_BYTES, kept.bytes);
    assertEquals(blocks > 0 ? 1 : 0, kept.sites);
  }

  private static AssertionRecord kept(SimulatedRecording recording, int index) {
    return recording.recorder().assertions.get(index);
  }
}
