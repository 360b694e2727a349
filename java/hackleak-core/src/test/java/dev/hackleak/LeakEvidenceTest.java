package dev.hackleak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
  void whatWasNotJudgedIsForWhoeverHasTheSameImage(@TempDir Path folder) throws IOException {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      assertFalse(LeakEvidence.unjudged(HackLeak.checkpoint()).isPresent());
      recording.reachable(folder);
      Path image = folder.resolve("run.hackleak");
      Path program = Files.createFile(folder.resolve("hackleak"));
      assertTrue(program.toFile().setExecutable(true));
      byte[] head = new byte[64];
      Files.write(image, head);
      LeakEvidence evidence = LeakEvidence.unjudged(HackLeak.checkpoint()).get();
      assertEquals(0, recording.gcs());
      assertEquals(evidence.toString(), LeakEvidence.parse(evidence.toString()).toString());
      assertTrue(LeakEvidence.parse(evidence.toString()).isReadable());

      // The process goes on, and its state is written.
      head[20] = 2;
      head[48] = 1;
      Files.write(image, head);
      assertTrue(evidence.isReadable());
      // Another process, such as one of the same number on another host.
      for (int at : new int[] {32, 47}) {
        byte[] other = head.clone();
        other[at] = 1;
        Files.write(image, other);
        assertFalse(evidence.isReadable(), "byte " + at);
      }
      Files.write(image, new byte[10]);
      assertFalse(evidence.isReadable());
      Files.delete(image);
      assertFalse(evidence.isReadable());

      // A copy of it that came packed, and one of another process.
      Path copy = folder.resolve("copy.hackleak.gz");
      assertFalse(evidence.at(copy).isReadable());
      packed(copy, head);
      assertTrue(evidence.at(copy).isReadable());
      assertEquals(image, evidence.image());
      assertEquals(copy, LeakEvidence.parse(evidence.at(copy).toString()).image());
      head[40] ^= 1;
      packed(copy, head);
      assertFalse(evidence.at(copy).isReadable());
    }
  }

  private static void packed(Path file, byte[] content) throws IOException {
    try (GZIPOutputStream to = new GZIPOutputStream(Files.newOutputStream(file))) {
      to.write(content);
    }
  }

  @Test
  void aProcessThatIsNotRecordedHasNone() {
    try (SimulatedRecording recording = SimulatedRecording.inactive("of the moon")) {
      assertFalse(LeakEvidence.unjudged(HackLeak.checkpoint()).isPresent());
      assertFalse(LeakEvidence.gather(HackLeak.checkpoint(), CHECK).isPresent());
    }
  }

  @Test
  void somethingElseIsNoEvidence() {
    assertThrows(IllegalArgumentException.class, () -> LeakEvidence.parse("1\n2"));
  }
}
