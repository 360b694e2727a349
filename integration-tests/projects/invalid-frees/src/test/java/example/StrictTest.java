package example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.hackleak.HackLeak;
import dev.hackleak.LeakError;
import dev.hackleak.junit.NoLeaks;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** strict=true: from the moment a blind library is loaded, no assertion passes. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class StrictTest {
  @Test
  @NoLeaks
  @Order(1)
  void aLibraryThatIsSeenPasses() {
    Blocks.freeRight();
  }

  @Test
  @NoLeaks
  @Order(2)
  void aBlindLibraryFails() {
    Hidden.leak();
  }

  @Test
  @Order(3)
  void theErrorNamesTheLibrary() {
    HackLeak.checkpoint();
    LeakError error = assertThrows(LeakError.class, HackLeak::assertNoLeaks);
    assertEquals(0, error.report().blocks());
    assertEquals(1, error.report().blindLibraries().size());
    String blind = error.report().blindLibraries().get(0);
    assertTrue(blind.contains("/libhidden.so: "), blind);
    assertTrue(blind.contains(". Remedy: "), blind);
  }
}
