package example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.hackleak.HackLeak;
import dev.hackleak.LeakCheck;
import dev.hackleak.LeakError;
import java.lang.ref.Cleaner;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Whether native memory that garbage owns is a leak, without the annotation. */
class SettlingTest {
  private static final String RAPIDS_DEBUG = "ai.rapids.refcount.debug";
  private static final Cleaner CLEANER = Cleaner.create();

  @BeforeAll
  static void warmUp() {
    owner();
  }

  @AfterEach
  void asBefore() {
    System.clearProperty(RAPIDS_DEBUG);
  }

  @Test
  void garbageIsReportedUnlessSettled() {
    HackLeak.checkpoint();
    owner();
    LeakError error = assertThrows(LeakError.class, HackLeak::assertNoLeaks);
    assertEquals(NativeBuffer.BYTES, error.report().bytes());
    assertTrue(HackLeak.settle());
    HackLeak.assertNoLeaks();
  }

  @Test
  void thePropertyOfRapidsSettles() {
    System.setProperty(RAPIDS_DEBUG, "true");
    HackLeak.checkpoint();
    owner();
    HackLeak.assertNoLeaks();
  }

  @Test
  void theArgumentSettles() {
    HackLeak.checkpoint();
    owner();
    HackLeak.assertNoLeaks(LeakCheck.standard().settling(true));
  }

  @Test
  void theArgumentOverridesTheProperty() {
    System.setProperty(RAPIDS_DEBUG, "true");
    HackLeak.checkpoint();
    owner();
    LeakCheck unsettled = LeakCheck.standard().settling(false);
    assertThrows(LeakError.class, () -> HackLeak.assertNoLeaks(unsettled));
  }

  @Test
  void whatIsReferencedIsReportedAfterSettling() {
    System.setProperty(RAPIDS_DEBUG, "true");
    HackLeak.checkpoint();
    NativeBuffer held = owner();
    LeakError error = assertThrows(LeakError.class, HackLeak::assertNoLeaks);
    assertEquals(1, error.report().blocks());
    assertTrue(held.isOpen());
  }

  /** In a method of its own, so that no frame of the test refers to the owner any longer. */
  private static NativeBuffer owner() {
    NativeBuffer owner = new NativeBuffer();
    CLEANER.register(owner, owner.closer());
    return owner;
  }
}
