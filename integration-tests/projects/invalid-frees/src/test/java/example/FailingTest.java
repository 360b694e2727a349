package example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.hackleak.Checkpoint;
import dev.hackleak.HackLeak;
import dev.hackleak.LeakCheck;
import dev.hackleak.LeakError;
import dev.hackleak.LeakScope;
import dev.hackleak.InvalidFree;
import dev.hackleak.junit.NoLeaks;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** invalid-frees=fail: an invalid free fails the test that makes it, and no other one. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class FailingTest {
  /** The C++ runtime has a reserve of its own, which it allocates when it is loaded. */
  @BeforeAll
  static void load() {
    Blocks.freeRight();
  }

  @Test
  @NoLeaks
  @Order(1)
  void mismatched() {
    Blocks.freeMismatched();
  }

  @Test
  @NoLeaks
  @Order(2)
  void right() {
    Blocks.freeRight();
  }

  @Test
  @NoLeaks
  @Order(3)
  void mismatchedAndLeaking() {
    Blocks.freeMismatched();
    Blocks.leak();
  }

  @Test
  @Order(4)
  void theErrorHasBothStacks() {
    HackLeak.checkpoint();
    Blocks.freeMismatched();
    LeakError error = assertThrows(LeakError.class, HackLeak::assertNoLeaks);
    assertFalse(error.report().hasLeaks());
    assertTrue(error.report().fails());
    assertEquals(1, error.report().invalidFrees().size());
    InvalidFree invalid = error.report().invalidFrees().get(0);
    assertEquals("mismatch", invalid.problem());
    assertEquals(1, invalid.count());
    assertEquals("new[]", invalid.kind());
    assertEquals(1_999_993, invalid.bytes());
    assertTrue(invalid.freed().toString().contains("by_delete"), invalid.freed().toString());
    assertTrue(
        invalid.allocated().toString().contains("example.Blocks.freeMismatched"),
        invalid.allocated().toString());
    assertFalse(invalid.allocated().toString().contains("by_delete"), invalid.toString());
  }

  @Test
  @Order(5)
  void aScopeOwnsTheInvalidFreesOfItsThread() throws InterruptedException {
    Checkpoint checkpoint = HackLeak.checkpoint();
    try (LeakScope mine = HackLeak.scope("mine")) {
      Thread other =
          new Thread(
              () -> {
                try (LeakScope others = HackLeak.scope("other's")) {
                  Blocks.freeMismatched();
                }
              });
      other.start();
      other.join();
      LeakCheck inMine = LeakCheck.standard().inScope(mine);
      HackLeak.assertNoLeaks(checkpoint, inMine);
      Blocks.freeMismatched();
      LeakError error =
          assertThrows(LeakError.class, () -> HackLeak.assertNoLeaks(checkpoint, inMine));
      assertEquals(1, error.report().invalidFrees().get(0).count());
    }
    LeakError both = assertThrows(LeakError.class, () -> HackLeak.assertNoLeaks(checkpoint));
    assertEquals(2, both.report().invalidFrees().stream().mapToLong(InvalidFree::count).sum());
  }
}
