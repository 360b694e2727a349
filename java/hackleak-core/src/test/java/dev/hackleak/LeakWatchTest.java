package dev.hackleak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;

class LeakWatchTest {
  private static final LeakCheck UNSETTLED = LeakCheck.standard().settling(false);

  private final Exception own = new Exception("mine");
  private String told = "";

  @Test
  void aFailureKeepsTheLeakAsSuppressedAndCountsAsAnAssertionThatFailed() throws Exception {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      LeakWatch watch = LeakWatch.begin("leaky", UNSETTLED, false);
      recording.allocate(3);
      assertTrue(telling(() -> watch.endFailed(own)));
      assertEquals(3, ((LeakError) own.getSuppressed()[0]).report().blocks());
      assertEquals(AssertionRecord.FAILED, recording.recorder().assertions.get(0).outcome);
      assertEquals(
          "hackleak: `leaky` failed for another reason; it leaked 5,999,979 bytes in 3 blocks\n",
          told);
    }
  }

  @Test
  void aSkippedTestIsNoAssertion() throws Exception {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      LeakWatch watch = LeakWatch.begin("leaky", UNSETTLED, false);
      recording.allocate(3);
      assertTrue(telling(() -> watch.endSkipped(own)));
      assertEquals(LeakError.class, own.getSuppressed()[0].getClass());
      assertEquals(0, recording.recorder().assertions.size());
      assertEquals(
          "hackleak: `leaky` stays skipped; it leaked 5,999,979 bytes in 3 blocks\n", told);
    }
  }

  @Test
  void aChoiceThatMeansNothingIsToldAtOnce() {
    System.setProperty(SystemProperties.HELD, "warn");
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      Throwable refused =
          assertThrows(
              IllegalArgumentException.class, () -> LeakWatch.begin("test", UNSETTLED, false));
      assertEquals("-Dhackleak.held is fail, note or ignore, not \"warn\"", refused.getMessage());
    } finally {
      System.clearProperty(SystemProperties.HELD);
    }
  }

  @Test
  void theCheckGoesBeforeThePropertyAndThatBeforeTheOption() {
    assertEquals("[]", UNSETTLED.arguments().toString());
    System.setProperty(SystemProperties.HELD, "ignore");
    try {
      assertEquals("[--held, ignore]", UNSETTLED.arguments().toString());
      LeakCheck failing = UNSETTLED.held(Held.FAIL);
      assertEquals("[--held, fail]", failing.arguments().toString());
      String told = "image=i\nlibrary=l\npid=1\ndegraded=0\nheld=fail\n";
      RecorderDescription recorder = RecorderDescription.parse(told);
      assertTrue(recorder.tellsHolders(UNSETTLED.held()));
      assertFalse(recorder.tellsHolders(failing.held()));
    } finally {
      System.clearProperty(SystemProperties.HELD);
    }
  }

  @Test
  void withoutLeaksNothingIsTold() throws Exception {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      LeakWatch failed = LeakWatch.begin("clean", UNSETTLED, false);
      assertFalse(telling(() -> failed.endFailed(own)));
      LeakWatch skipped = LeakWatch.begin("clean", UNSETTLED, false);
      assertFalse(telling(() -> skipped.endSkipped(null)));
      assertEquals("", told);
      assertEquals(0, own.getSuppressed().length);
    }
  }

  @Test
  void aLookThatBreaksReplacesNothingEither() throws Exception {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      recording.recorder().description = null;
      recording.allocate(1);
      for (boolean skipped : new boolean[] {false, true}) {
        LeakWatch watch = LeakWatch.begin("broken", UNSETTLED, false);
        recording.allocate(1);
        assertTrue(telling(() -> skipped ? watch.endSkipped(null) : watch.endFailed(own)));
        assertTrue(told.contains("could not be checked: java.lang.NullPointerException"), told);
      }
      assertEquals(NullPointerException.class, own.getSuppressed()[0].getClass());
      LeakWatch passed = LeakWatch.begin("broken", UNSETTLED, false);
      recording.allocate(1);
      assertThrows(NullPointerException.class, passed::end);
    }
  }

  @Test
  void anotherThreadMayEndItAndKeepsItsScope() throws Exception {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      SimulatedRecorder recorder = recording.recorder();
      LeakWatch watch = LeakWatch.begin("leaky", UNSETTLED, false);
      watch.leave();
      assertEquals(0, recorder.enterScope(0));
      FutureTask<LeakError> later =
          new FutureTask<>(
              () -> {
                int own = recorder.openScope("other");
                recorder.enterScope(own);
                recording.allocate(1);
                int before = watch.entered();
                LeakError leak = assertThrows(LeakError.class, watch::end);
                watch.left(before);
                assertEquals(own, recorder.enterScope(0));
                return leak;
              });
      new Thread(later).start();
      assertEquals(1, later.get().report().blocks());
    }
  }

  /** The look at a clean test takes a while; in it another one begins on another thread. */
  @Test
  void whatATestLeaksThatBeginsDuringTheLookIsNotTheFirstOnes() throws Exception {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      SimulatedRecorder recorder = recording.recorder();
      LeakWatch clean = LeakWatch.begin("clean", LeakCheck.standard().settling(true), false);
      // Garbage owns it.
      recording.allocate(1);
      FutureTask<LeakError> leaky =
          new FutureTask<>(
              () -> {
                LeakWatch watch = LeakWatch.begin("leaky", UNSETTLED, false);
                recording.allocate(3);
                return assertThrows(LeakError.class, watch::end);
              });
      recorder.onGc =
          () -> {
            recorder.onGc = () -> {};
            recorder.freeOldest(1);
            new Thread(leaky).start();
            awaited(leaky);
          };
      clean.end();
      assertEquals(3, leaky.get().report().blocks());
      assertEquals(2, recorder.assertions.size());
      assertEquals(AssertionRecord.FAILED, recorder.assertions.get(0).outcome);
      assertEquals(AssertionRecord.PASSED, recorder.assertions.get(1).outcome);
    }
  }

  private static void awaited(FutureTask<LeakError> task) {
    try {
      task.get();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void roundsThatWereNotFinishedAreNotChecked() throws Exception {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      LeakWatch watch = LeakWatch.begin("rounds", UNSETTLED, false);
      LeakWatch.Round round =
          () -> {
            recording.allocate(1);
            throw own;
          };
      assertThrows(Exception.class, () -> watch.rounds(0, 2, round));
      assertTrue(telling(() -> watch.endSkipped(own)));
      assertEquals("", told);
    }
  }

  private boolean telling(Callable<Boolean> end) throws Exception {
    PrintStream err = System.err;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    System.setErr(new PrintStream(printed));
    try {
      return end.call();
    } finally {
      System.setErr(err);
      told = printed.toString();
    }
  }
}
