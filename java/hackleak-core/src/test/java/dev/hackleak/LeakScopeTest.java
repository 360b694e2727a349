package dev.hackleak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class LeakScopeTest {
  private final SimulatedRecorder recorder = new SimulatedRecorder();

  @Test
  void scopesNest() {
    try (LeakScope outer = LeakScope.open(recorder, "outer")) {
      try (LeakScope inner = LeakScope.open(recorder, "inner")) {
        assertEquals(inner.id(), current());
      }
      assertEquals(outer.id(), current());
      outer.close();
      assertEquals(0, current());
    }
    assertEquals(0, current());
  }

  @Test
  void innerScopesAreClosedFirst() {
    LeakScope outer = LeakScope.open(recorder, "outer");
    LeakScope inner = LeakScope.open(recorder, "inner");
    Exception e = assertThrows(IllegalStateException.class, outer::close);
    assertTrue(e.getMessage().contains("\"outer\" is not the innermost"), e.getMessage());
    assertEquals(inner.id(), current());
    inner.close();
    outer.close();
    assertEquals(0, current());
  }

  @Test
  void anotherThreadCannotCloseThem() throws InterruptedException {
    LeakScope scope = LeakScope.open(recorder, "mine");
    Ignored ignored = Ignored.begin(recorder);
    Throwable[] thrown = new Throwable[2];
    Thread other =
        new Thread(
            () -> {
              thrown[0] = assertThrows(Throwable.class, scope::close);
              thrown[1] = assertThrows(Throwable.class, ignored::close);
            });
    other.start();
    other.join();
    assertEquals(IllegalStateException.class, thrown[0].getClass());
    assertEquals(IllegalStateException.class, thrown[1].getClass());
    assertEquals(scope.id(), current());
    assertEquals(1, recorder.ignoring());
  }

  private int current() {
    int current = recorder.enterScope(0);
    recorder.enterScope(current);
    return current;
  }
}
