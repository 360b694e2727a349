package example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.hackleak.Checkpoint;
import dev.hackleak.HackLeak;
import dev.hackleak.LeakReport;
import dev.hackleak.junit.NoLeaks;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** invalid-frees=report: invalid frees are told, once by themselves, and with every leak. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ReportedTest {
  @Test
  @Order(1)
  void theFirstOneIsANotice() {
    String told = stderrOf(this::assertAfterInvalidFree);
    assertEquals(1, told.split("invalid free: a block of 1999993 bytes", -1).length - 1, told);
    assertEquals(1, told.split("hackleak: invalid frees, which", -1).length - 1, told);
    assertEquals("", stderrOf(this::assertAfterInvalidFree));
  }

  private void assertAfterInvalidFree() {
    Checkpoint checkpoint = HackLeak.checkpoint();
    Blocks.freeMismatched();
    HackLeak.assertNoLeaks(checkpoint);
  }

  private static String stderrOf(Runnable code) {
    PrintStream err = System.err;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    System.setErr(new PrintStream(printed, true));
    try {
      code.run();
    } finally {
      System.setErr(err);
    }
    return printed.toString();
  }

  @Test
  @NoLeaks
  @Order(2)
  void anInvalidFreeAloneIsNoFailure() {
    Blocks.freeMismatched();
  }

  @Test
  @NoLeaks
  @Order(3)
  void theMessageOfALeakHasIt() {
    Blocks.freeMismatched();
    Blocks.leak();
  }

  @Test
  @NoLeaks
  @Order(4)
  void aBlindLibraryIsNoFailure() {
    Hidden.leak();
  }

  @Test
  @Order(5)
  void theMessageOfALeakNamesTheBlindLibrary() {
    Checkpoint checkpoint = HackLeak.checkpoint();
    Hidden.leak();
    LeakReport clean = HackLeak.leaksSince(checkpoint);
    assertFalse(clean.fails());
    assertEquals(1, clean.blindLibraries().size());
    assertTrue(clean.notes().stream().anyMatch(it -> it.startsWith("blind: `libhidden.so`: ")));
    assertTrue(clean.notes().stream().anyMatch(it -> it.startsWith("not tracked: ")));
    Blocks.leak();
    LeakReport report = HackLeak.leaksSince(checkpoint);
    assertEquals(1, report.blocks());
    String text = report.toString();
    assertEquals(1, text.split("\nnote: blind: `libhidden.so`: ", -1).length - 1, text);
    assertEquals(1, text.split("\nseen: `libblocks.so`\n", -1).length - 1, text);
    assertEquals(1, report.blindLibraries().size());
    assertFalse(HackLeak.leaksSince(HackLeak.checkpoint()).fails());
  }
}
