package dev.hackleak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class FirstLookTest {
  private final FirstLook look = new FirstLook();

  private int takenOf(int checks, boolean toldAll) {
    int taken = 0;
    for (int i = 0; i < checks; i++) {
      if (look.isWorthTaking()) {
        look.took(toldAll);
        taken++;
      }
    }
    return taken;
  }

  @Test
  void whatTellsAllIsAlwaysTaken() {
    assertEquals(100, takenOf(100, true));
  }

  @Test
  void whatIsForNothingIsTakenLessOftenUntilItTellsAll() {
    assertEquals(3 + 10, takenOf(3 + 80, false));
    assertEquals(1, takenOf(8, true));
    assertTrue(look.isWorthTaking());
  }
}
