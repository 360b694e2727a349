package reported;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import com.sun.jna.Callback;
import com.sun.jna.Library;
import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import dev.hackleak.junit.NoLeaks;
import org.junit.jupiter.api.Test;

/** JNA: C. It frees a callback that has become garbage. */
@NoLeaks
class JnaTest {
  private static final C LIBC = Native.load("c", C.class);

  /** java-native-access/jna#1586: the classes of a callback's arguments are never released. */
  @Test
  void callbackWithPointers() {
    for (int i = 0; i < 10; i++) {
      assertArrayEquals(new int[] {1, 2, 3}, sort(3, 1, 2));
    }
  }

  private static int[] sort(int... numbers) {
    try (Memory memory = new Memory(4L * numbers.length)) {
      memory.write(0, numbers, 0, numbers.length);
      LIBC.qsort(memory, numbers.length, 4, new Ascending());
      return memory.getIntArray(0, numbers.length);
    }
  }

  interface C extends Library {
    void qsort(Pointer base, long count, long size, Order order);
  }

  interface Order extends Callback {
    int compare(Pointer a, Pointer b);
  }

  /** A class and no lambda, which would be one callback for all. */
  private static final class Ascending implements Order {
    @Override
    public int compare(Pointer a, Pointer b) {
      return Integer.compare(a.getInt(0), b.getInt(0));
    }
  }
}
