package example;

import java.lang.reflect.Field;
import org.junit.jupiter.api.Test;
import sun.misc.Unsafe;

class BufferTest {
  private static final int BLOCKS = 7;
  private static final int SIZE = 33_336;
  private static final Unsafe UNSAFE = unsafe();

  @Test
  void leaks() {
    for (int i = 0; i < BLOCKS; i++) {
      UNSAFE.allocateMemory(SIZE);
    }
  }

  @Test
  void frees() {
    for (int i = 0; i < BLOCKS; i++) {
      UNSAFE.freeMemory(UNSAFE.allocateMemory(SIZE));
    }
  }

  private static Unsafe unsafe() {
    try {
      Field field = Unsafe.class.getDeclaredField("theUnsafe");
      field.setAccessible(true);
      return (Unsafe) field.get(null);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }
}
