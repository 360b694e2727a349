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
import dev.hackleak.WrongFree;
import dev.hackleak.junit.NoLeaks;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** findings=fail: a wrong free fails the test that makes it, and no other one. */
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
  void wrong() {
    Blocks.freeWrong();
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
  void wrongAndLeaking() {
    Blocks.freeWrong();
    Blocks.leak();
  }

  @Test
  @Order(4)
  void theErrorHasBothStacks() {
    HackLeak.checkpoint();
    Blocks.freeWrong();
    LeakError error = assertThrows(LeakError.class, HackLeak::assertNoLeaks);
    assertFalse(error.report().hasLeaks());
    assertTrue(error.report().fails());
    assertEquals(1, error.report().wrongFrees().size());
    WrongFree wrong = error.report().wrongFrees().get(0);
    assertEquals("mismatch", wrong.problem());
    assertEquals(1, wrong.count());
    assertEquals("new[]", wrong.kind());
    assertEquals(1_999_993, wrong.bytes());
    assertTrue(wrong.freed().toString().contains("by_delete"), wrong.freed().toString());
    assertTrue(
        wrong.allocated().toString().contains("example.Blocks.freeWrong"),
        wrong.allocated().toString());
    assertFalse(wrong.allocated().toString().contains("by_delete"), wrong.toString());
  }

  @Test
  @Order(5)
  void aScopeOwnsTheWrongFreesOfItsThread() throws InterruptedException {
    Checkpoint checkpoint = HackLeak.checkpoint();
    try (LeakScope mine = HackLeak.scope("mine")) {
      Thread other =
          new Thread(
              () -> {
                try (LeakScope others = HackLeak.scope("other's")) {
                  Blocks.freeWrong();
                }
              });
      other.start();
      other.join();
      LeakCheck inMine = LeakCheck.standard().inScope(mine);
      HackLeak.assertNoLeaks(checkpoint, inMine);
      Blocks.freeWrong();
      LeakError error =
          assertThrows(LeakError.class, () -> HackLeak.assertNoLeaks(checkpoint, inMine));
      assertEquals(1, error.report().wrongFrees().get(0).count());
    }
    LeakError both = assertThrows(LeakError.class, () -> HackLeak.assertNoLeaks(checkpoint));
    assertEquals(2, both.report().wrongFrees().stream().mapToLong(WrongFree::count).sum());
  }
}
