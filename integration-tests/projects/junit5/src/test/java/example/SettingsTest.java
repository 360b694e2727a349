package example;

import dev.hackleak.LeakKind;
import dev.hackleak.junit.IgnoreLeaks;
import dev.hackleak.junit.NoLeaks;
import org.junit.jupiter.api.Test;

/** What does not count, and what counts all the same. */
class SettingsTest {
  private static NativeBuffer kept;

  @Test
  @NoLeaks(repeat = 3)
  void whatIsKeptOnceDoesNotGrow() {
    if (kept == null) {
      kept = new NativeBuffer();
    }
    new NativeBuffer().close();
  }

  @Test
  @NoLeaks(repeat = 3)
  void whatGrowsInEachRound() {
    new NativeBuffer();
  }

  @Test
  @NoLeaks(repeat = 2, warmup = 2)
  void whatGrowsAfterTheWarmup() {
    new NativeBuffer();
  }

  @Test
  @NoLeaks(allowBytes = 2_000_000)
  void withinTheAllowedBytes() {
    new NativeBuffer();
  }

  @Test
  @NoLeaks(allowBytes = 2_000_000)
  void beyondTheAllowedBytes() {
    for (int i = 0; i < 2; i++) {
      new NativeBuffer();
    }
  }

  @Test
  @NoLeaks(allowBlocks = 2)
  void withinTheAllowedBlocks() {
    for (int i = 0; i < 2; i++) {
      new NativeBuffer();
    }
  }

  @Test
  @NoLeaks(allowBlocks = 2)
  void beyondTheAllowedBlocks() {
    for (int i = 0; i < 3; i++) {
      new NativeBuffer();
    }
  }

  @Test
  @NoLeaks(kinds = {LeakKind.MALLOC, LeakKind.JNI})
  void ofAnotherKind() {
    new NativeBuffer();
  }

  @Test
  @NoLeaks(kinds = LeakKind.NEW)
  void ofThisKind() {
    new NativeBuffer();
  }

  @Test
  @NoLeaks(suppress = "^example.SettingsTest.known$")
  void suppressed() {
    known();
  }

  @Test
  @NoLeaks(suppress = "^example.SettingsTest.known$")
  void notSuppressed() {
    known();
    new NativeBuffer();
  }

  private static void known() {
    new NativeBuffer();
  }

  @Test
  @NoLeaks
  @IgnoreLeaks("on purpose")
  void ignored() {
    new NativeBuffer();
  }
}
