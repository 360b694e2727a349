package dev.hackleak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class LimitsTest {
  private static final long BLOCK = SimulatedRecorder.BLOCK_BYTES;

  private final SimulatedRecorder recorder = new SimulatedRecorder();
  private Recording before;

  @BeforeEach
  void record() {
    before = Recording.replace(Recording.active(recorder));
  }

  @AfterEach
  void stop() {
    Recording.replace(before);
    assertEquals(0, recorder.counting);
  }

  private static LeakWatch begin(LeakCheck check) {
    return LeakWatch.begin("T > test", check, false);
  }

  private void allocateAndFree(int blocks) {
    recorder.allocate(blocks);
    recorder.freeNewest(blocks);
  }

  @Test
  void thePeakIsLookedAtAndNotTheSum() {
    LeakWatch within = begin(LeakCheck.ofLimits().peakBytes(2 * BLOCK));
    allocateAndFree(2);
    allocateAndFree(2);
    within.end();
    LeakWatch beyond = begin(LeakCheck.ofLimits().peakBytes(2 * BLOCK - 1));
    allocateAndFree(2);
    LimitError error = assertThrows(LimitError.class, beyond::end);
    assertEquals(
        "`T > test` had 3,999,986 bytes (3.81 MiB) of native memory live at its peak; its limit is"
            + " 3,999,985 bytes (3.81 MiB) (peakBytes = 3999985)",
        error.getMessage());
    assertEquals(2 * BLOCK, error.peakBytes());
  }

  @Test
  void allocationsAreLookedAt() {
    LeakWatch within = begin(LeakCheck.ofLimits().allocations(4));
    allocateAndFree(2);
    allocateAndFree(2);
    within.end();
    LeakWatch beyond = begin(LeakCheck.ofLimits().allocations(0).peakBytes(0));
    allocateAndFree(1);
    LimitError error = assertThrows(LimitError.class, beyond::end);
    assertEquals(
        "`T > test` had 1,999,993 bytes (1.91 MiB) of native memory live at its peak; its limit is"
            + " 0 bytes (peakBytes = 0), and it made 1 native allocation; its limit is 0"
            + " (allocations = 0)",
        error.getMessage());
    assertEquals(1, error.allocations());
  }

  @Test
  void eachRoundIsCountedByItself() throws Throwable {
    LeakCheck check = LeakCheck.ofLimits().peakBytes(2 * BLOCK).allocations(2);
    LeakWatch within = begin(check);
    recorder.allocate(3);
    within.rounds(0, 5, () -> recorder.allocate(2));
    within.end();
    LeakWatch beyond = begin(check);
    int[] round = {0};
    beyond.rounds(2, 3, () -> recorder.allocate(round[0]++ == 3 ? 3 : 1));
    String message = assertThrows(LimitError.class, beyond::end).getMessage();
    assertTrue(message.endsWith("(allocations = 2), in one of 3 rounds"), message);
    LeakWatch warmUp = begin(check);
    round[0] = 0;
    warmUp.rounds(2, 1, () -> recorder.allocate(round[0]++ < 2 ? 9 : 1));
    warmUp.end();
  }

  @Test
  void aLeakHasTheLimitBesideIt() {
    LeakWatch watch = begin(LeakCheck.standard().allocations(0));
    recorder.allocate(1);
    LeakError leak = assertThrows(LeakError.class, watch::end);
    assertEquals(LimitError.class, leak.getSuppressed()[0].getClass());
    LeakWatch clean = begin(LeakCheck.standard().allocations(1));
    allocateAndFree(1);
    clean.end();
  }

  @Test
  void aFailureStaysWhatItIs() {
    LeakWatch watch = begin(LeakCheck.ofLimits().allocations(0));
    recorder.allocate(1);
    Throwable own = new AssertionError("own");
    watch.endFailed(own);
    assertEquals(1, own.getSuppressed().length);
    assertEquals(LimitError.class, own.getSuppressed()[0].getClass());
    begin(LeakCheck.ofLimits().allocations(0)).endUnchecked();
    LeakWatch early = begin(LeakCheck.ofLimits().allocations(0));
    Round fails = new Round();
    assertThrows(IllegalStateException.class, () -> early.rounds(0, 3, fails));
    Throwable failed = new AssertionError("failed");
    early.endFailed(failed);
    assertEquals(0, failed.getSuppressed().length);
  }

  private final class Round implements LeakWatch.Round {
    @Override
    public void run() {
      recorder.allocate(1);
      throw new IllegalStateException();
    }
  }

  @Test
  void whatMeansNothingIsTold() {
    LeakCheck check = LeakCheck.standard();
    assertEquals("peakBytes is a limit of 0 or more, not -1", refused(() -> check.peakBytes(-1)));
    assertEquals(
        "allocations is a limit of 0 or more, not -7", refused(() -> check.allocations(-7)));
    assertEquals(
        "there is no limit to look at: set peakBytes, allocations or both",
        refused(() -> begin(LeakCheck.ofLimits())));
    Checkpoint since = HackLeak.checkpoint();
    String atTheEnd = refused(() -> HackLeak.assertNoLeaks(since, check.allocations(1)));
    assertTrue(atTheEnd.contains("cannot know"), atTheEnd);
  }

  private static String refused(Runnable code) {
    return assertThrows(IllegalArgumentException.class, code::run).getMessage();
  }

  @Test
  void sizesAreExactAndReadable() {
    assertEquals("1 byte", LimitText.size(1));
    assertEquals("1,023 bytes", LimitText.size(1023));
    assertEquals("1,024 bytes (1 KiB)", LimitText.size(1024));
    assertEquals("10,485,760 bytes (10 MiB)", LimitText.size(10 << 20));
    assertEquals("13,002,345 bytes (12.4 MiB)", LimitText.size(13_002_345));
    assertEquals("104,857,600 bytes (100 MiB)", LimitText.size(100 << 20));
    assertNull(LimitText.of(LeakCheck.ofLimits().peakBytes(7).allocations(2), 7, 2, 0));
  }
}
