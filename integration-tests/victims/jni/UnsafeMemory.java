import dev.hackleak.HackLeak;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import sun.misc.Unsafe;

/** Allocates through {@code Unsafe} and as direct buffers; with the argument {@code leak}, some stays. */
public class UnsafeMemory {
  static final List<Object> KEPT = new ArrayList<>();

  static long take(Unsafe unsafe, long bytes) {
    return unsafe.allocateMemory(bytes); // here: take
  }

  static void leak(Unsafe unsafe) {
    for (int i = 0; i < 3; i++) {
      take(unsafe, 1_999_992);
    }
    unsafe.reallocateMemory(take(unsafe, 100), 2_999_992);
    KEPT.add(ByteBuffer.allocateDirect(3_999_992)); // here: buffer
  }

  public static void main(String[] args) throws Exception {
    Field field = Unsafe.class.getDeclaredField("theUnsafe");
    field.setAccessible(true);
    Unsafe unsafe = (Unsafe) field.get(null);
    HackLeak.checkpoint("start");
    for (int i = 0; i < 10_000; i++) {
      unsafe.freeMemory(unsafe.reallocateMemory(take(unsafe, 50), 100 + i));
    }
    // Nobody keeps this one: its Cleaner frees it.
    ByteBuffer.allocateDirect(4_999_992);
    if (args[0].equals("leak")) {
      leak(unsafe);
    }
    HackLeak.settle();
  }
}
