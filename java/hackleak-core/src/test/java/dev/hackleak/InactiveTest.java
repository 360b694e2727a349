package dev.hackleak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Runs in a JVM that is really not recorded: the build preloads nothing. */
class InactiveTest {
  @AfterEach
  void notRequired() {
    System.clearProperty(SystemProperties.REQUIRED);
  }

  @Test
  void saysWhy() {
    assertFalse(HackLeak.isActive());
    assertEquals("libhackleak.so is not loaded into it", HackLeak.inactiveReason().get());
  }

  @Test
  void everythingDoesNothing() {
    HackLeak.assertNoLeaks();
    Checkpoint checkpoint = HackLeak.checkpoint("here");
    assertFalse(checkpoint.isRecorded());
    assertEquals("checkpoint \"here\" (unrecorded)", checkpoint.toString());
    HackLeak.assertNoLeaks();
    HackLeak.assertNoLeaks(checkpoint, LeakCheck.standard().settling(true));
    assertTrue(HackLeak.settle());
    try (LeakScope scope = HackLeak.scope("part")) {
      assertEquals("scope \"part\"", scope.toString());
      HackLeak.assertNoLeaks(checkpoint, LeakCheck.standard().inScope(scope));
    }
    HackLeak.ignore().close();
  }

  @Test
  void noLeaksIsNotClaimedAboutWhatWasNotSeen() {
    LeakReport report = HackLeak.leaksSince(HackLeak.checkpoint());
    assertFalse(report.hasLeaks());
    assertEquals(
        "nothing was checked: this JVM is not recorded, because"
            + " libhackleak.so is not loaded into it",
        report.toString());
    assertEquals(1, report.notes().size());
  }

  @Test
  void requiredThrowsAndSaysHowToSwitchItOn() {
    Checkpoint checkpoint = HackLeak.checkpoint();
    System.setProperty(SystemProperties.REQUIRED, "true");

    assertFalse(HackLeak.isActive());
    String message = thrownBy(HackLeak::checkpoint);
    assertTrue(message.contains("libhackleak.so is not loaded into it"), message);
    assertTrue(message.contains("LD_PRELOAD=/path/libhackleak.so"), message);
    assertTrue(message.contains("`hackleak run -- java ...`"), message);
    assertEquals(message, thrownBy(HackLeak::assertNoLeaks));
    assertEquals(message, thrownBy(() -> HackLeak.assertNoLeaks(checkpoint)));
    assertEquals(message, thrownBy(() -> HackLeak.leaksSince(checkpoint)));
    assertEquals(message, thrownBy(HackLeak::settle));
    assertEquals(message, thrownBy(() -> HackLeak.scope("part")));
    assertEquals(message, thrownBy(HackLeak::ignore));
  }

  private static String thrownBy(Executable call) {
    return assertThrows(IllegalStateException.class, call).getMessage();
  }
}
