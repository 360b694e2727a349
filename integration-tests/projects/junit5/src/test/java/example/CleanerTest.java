package example;

import dev.hackleak.junit.NoLeaks;
import java.lang.ref.Cleaner;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Memory that a java.lang.ref.Cleaner frees once its owner is garbage. */
@NoLeaks
class CleanerTest {
  private static final Cleaner CLEANER = Cleaner.create();

  static Object held;

  @BeforeAll
  static void warmUp() {
    owner();
  }

  @Test
  void garbage() {
    owner();
  }

  @Test
  void chainOfGarbage() {
    Object owner = new Object();
    Object inner = owner();
    CLEANER.register(owner, inner::hashCode);
  }

  @Test
  void stillReferenced() {
    held = owner();
  }

  /** In a method of its own, so that no frame of the test refers to the owner any longer. */
  private static Object owner() {
    NativeBuffer owner = new NativeBuffer();
    CLEANER.register(owner, owner.closer());
    return owner;
  }
}
