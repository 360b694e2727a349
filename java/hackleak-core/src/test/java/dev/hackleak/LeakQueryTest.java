package dev.hackleak;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LeakQueryTest {
  private static final LeakCheck SETTLING =
      LeakCheck.standard().settling(true).settleLimit(Duration.ofSeconds(20));

  private SimulatedRecording recording;
  private SimulatedRecorder recorder;

  @BeforeEach
  void record() {
    recording = SimulatedRecording.active();
    recorder = recording.recorder();
  }

  @AfterEach
  void stop() {
    assertEquals(0, recorder.ignoring(), "ignore(true) and ignore(false) must pair");
    recording.close();
  }

  @Test
  void aCheckOfKindsThatNobodyTracksSaysThatItFindsNothing() {
    Checkpoint here = HackLeak.checkpoint("here");
    LeakCheck unheard = LeakCheck.standard().kinds(LeakKind.THREAD, LeakKind.MMAP);
    recorder.description = tracking("new+malloc");
    String note =
        "the check is for mmap+thread alone, and none of that is tracked, so it can find nothing:"
            + " record with track=new+malloc+mmap+thread";
    assertTrue(HackLeak.leaksSince(here, unheard).notes().contains(note));
    assertFalse(HackLeak.leaksSince(here, LeakCheck.standard()).toString().contains("alone"));
    for (LeakKind heard : new LeakKind[] {LeakKind.NEW, LeakKind.POOL}) {
      LeakCheck check = LeakCheck.standard().kinds(LeakKind.THREAD, heard);
      assertFalse(HackLeak.leaksSince(here, check).toString().contains("alone"), heard.name());
    }
  }

  private static RecorderDescription tracking(String kinds) {
    return RecorderDescription.parse(
        "image=image\nlibrary=libhackleak.so\npid=7\ndegraded=1\ntrack=" + kinds + "\n");
  }

  @Test
  void freeingOlderBlocksDoesNotMakeUpForALeak() {
    recorder.allocate(10);
    HackLeak.checkpoint("here");
    recorder.allocate(3);
    recorder.freeOldest(5);

    LeakError error = assertThrows(LeakError.class, HackLeak::assertNoLeaks);
    assertEquals(3, error.report().blocks());
    assertEquals(3 * 1_999_993, error.report().bytes());
    assertTrue(error.getMessage().startsWith("5,999,979 bytes leaked in 3 blocks at 1 site\n"));
    assertTrue(error.getMessage().contains("#0 libvictim.so+0x1f3\n"), error.getMessage());
    assertTrue(error.getMessage().contains("at com.example.Victim.leak(Native Method)"));
  }

  @Test
  void checksWithoutACheckpointAreAMistake() throws InterruptedException {
    HackLeak.checkpoint();
    Throwable[] thrown = new Throwable[1];
    Thread other =
        new Thread(() -> thrown[0] = assertThrows(Throwable.class, () -> HackLeak.assertNoLeaks()));
    other.start();
    other.join();
    assertEquals(IllegalStateException.class, thrown[0].getClass());
    assertTrue(thrown[0].getMessage().contains("call HackLeak.checkpoint() before"));
  }

  @Test
  void nothingLiveSettlesNothing() {
    recorder.allocate(1);
    HackLeak.checkpoint();
    HackLeak.assertNoLeaks(SETTLING);
    assertEquals(0, recorder.gcs);
  }

  @Test
  void garbageIsNotReported() {
    HackLeak.checkpoint();
    recorder.allocate(3);
    recorder.onGc = () -> recorder.freeNewest(1);
    HackLeak.assertNoLeaks(SETTLING);
    assertEquals(3, recorder.gcs, "each round frees what the next one finds");
  }

  @Test
  void leaksSurviveSettling() {
    HackLeak.checkpoint();
    recorder.allocate(3);
    recorder.onGc = () -> recorder.freeNewest(recorder.gcs == 1 ? 1 : 0);
    LeakError error = assertThrows(LeakError.class, () -> HackLeak.assertNoLeaks(SETTLING));
    assertEquals(2, error.report().blocks());
    assertFalse(error.getMessage().contains("garbage"), error.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {SystemProperties.SETTLE, SystemProperties.RAPIDS_DEBUG})
  void propertiesSwitchSettlingOn(String property) {
    HackLeak.checkpoint();
    recorder.allocate(1);
    recorder.onGc = () -> recorder.freeNewest(1);
    assertThrows(LeakError.class, HackLeak::assertNoLeaks);
    System.setProperty(property, "true");
    try {
      LeakCheck off = LeakCheck.standard().settling(false);
      assertThrows(LeakError.class, () -> HackLeak.assertNoLeaks(off));
      HackLeak.assertNoLeaks();
    } finally {
      System.clearProperty(property);
    }
  }

  @Test
  void scopesTellTestsApart() {
    Checkpoint checkpoint = HackLeak.checkpoint();
    LeakScope clean = HackLeak.scope("clean");
    clean.close();
    LeakScope leaky = HackLeak.scope("leaky");
    recorder.allocate(1);
    leaky.close();
    recorder.allocate(1);

    HackLeak.assertNoLeaks(checkpoint, LeakCheck.standard().inScope(clean));
    LeakReport report = HackLeak.leaksSince(checkpoint, LeakCheck.standard().inScope(leaky));
    assertEquals(1, report.blocks());
    assertEquals(2, HackLeak.leaksSince(checkpoint).blocks());
  }

  @Test
  void ignoredIsIgnored() {
    HackLeak.checkpoint();
    try (Ignored onPurpose = HackLeak.ignore()) {
      assertDoesNotThrow(() -> recorder.allocate(1));
      HackLeak.ignore().close();
      recorder.allocate(1);
      onPurpose.close();
    }
    HackLeak.assertNoLeaks();
    assertEquals(2, recorder.liveBlocks());
  }

  @Test
  void noneIsAlwaysQualified() {
    recorder.unrecorded = 1_234;
    LeakReport report = HackLeak.leaksSince(HackLeak.checkpoint("here"));
    assertEquals(
        "nothing that was recorded since checkpoint \"here\" (epoch 1) is still live\n"
            + "note: 1,234 allocations or frees could not be recorded and are missing here\n"
            + "note: whether the libraries under test are seen is not known: part of the image is in"
            + " this JVM's memory only",
        report.toString());
  }

  @Test
  void whatIsHeldIsNoLeakWithoutReporterEither() {
    recorder.allHeld = true;
    HackLeak.checkpoint();
    recorder.allocate(2);
    LeakReport report = HackLeak.leaksSince(HackLeak.checkpoint("later"));
    assertEquals(0, report.blocks());
    HackLeak.checkpoint("here");
    recorder.allocate(3);
    HackLeak.assertNoLeaks();
    report = HackLeak.leaksSince(Checkpoint.processStart());
    assertEquals(0, report.blocks());
    assertEquals(5, report.held().get(0).blocks());
    String said = report.notes().toString();
    assertTrue(said.contains("9,999,965 bytes in 5 blocks held, not lost"), said);
    recorder.unjudgeable = "no room";
    LeakError error = assertThrows(LeakError.class, HackLeak::assertNoLeaks);
    assertEquals(3, error.report().blocks());
    assertTrue(error.getMessage().contains("so all of it counts: no room"), error.getMessage());
  }

  @Test
  void withoutReporterAndSitesTheCountRemains() {
    recorder.rawSitesFail = true;
    recorder.unrecorded = 1;
    HackLeak.checkpoint();
    recorder.allocate(2);
    LeakError error = assertThrows(LeakError.class, HackLeak::assertNoLeaks);
    assertEquals(2, error.report().blocks());
    assertEquals(3, error.report().notes().size(), error.getMessage());
    assertTrue(error.getMessage().contains("in this JVM's memory only"), error.getMessage());
    assertTrue(error.getMessage().contains("no memory for it"), error.getMessage());
  }

  @Test
  void buildToolsCanSendTheErrorToAnotherProcess() throws Exception {
    HackLeak.checkpoint();
    recorder.allocate(1);
    LeakError error = assertThrows(LeakError.class, HackLeak::assertNoLeaks);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    new ObjectOutputStream(bytes).writeObject(error);
    LeakError copy =
        (LeakError)
            new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray())).readObject();
    assertEquals(error.getMessage(), copy.getMessage());
    assertEquals(error.report().toString(), copy.report().toString());
  }
}
