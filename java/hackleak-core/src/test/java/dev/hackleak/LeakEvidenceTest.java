package dev.hackleak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class LeakEvidenceTest {
  private static final LeakCheck CHECK = LeakCheck.standard().settling(true);

  @Test
  void whatIsGarbageIsGoneBeforeItIsJudged() {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      recording.reachable();
      Checkpoint since = HackLeak.checkpoint();
      recording.allocate(2);
      recording.onGc(() -> recording.freeNewest(recording.gcs() == 1 ? 1 : 0));
      LeakEvidence evidence = LeakEvidence.gather(since, CHECK).get();

      assertTrue(recording.gcs() > 1);
      assertEquals(evidence.toString(), LeakEvidence.parse(evidence.toString()).toString());
      // There is no reporter beside the simulated library.
      assertFalse(evidence.isReadable());
      assertThrows(IllegalStateException.class, () -> evidence.report(CHECK));
    }
  }

  @Test
  void anImageThatLacksSomethingIsNoEvidence() {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      assertFalse(LeakEvidence.gather(HackLeak.checkpoint(), CHECK).isPresent());
    }
  }

  @Test
  void aProcessThatIsNotRecordedHasNone() {
    try (SimulatedRecording recording = SimulatedRecording.inactive("of the moon")) {
      assertFalse(LeakEvidence.gather(HackLeak.checkpoint(), CHECK).isPresent());
    }
  }

  @Test
  void somethingElseIsNoEvidence() {
    assertThrows(IllegalArgumentException.class, () -> LeakEvidence.parse("1\n2"));
  }
}
