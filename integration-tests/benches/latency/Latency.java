import dev.hackleak.Checkpoint;
import dev.hackleak.HackLeak;
import dev.hackleak.LeakCheck;
import dev.hackleak.LeakReport;
import java.lang.reflect.Field;
import java.util.Arrays;
import java.util.function.LongConsumer;

/**
 * How long a check takes, by what it finds: {@code Latency ROUNDS JAVA-MB NATIVE-MB} prints a line
 * {@code NAME MEDIAN-MS FIRST-MS} for each. It decides nothing; run.sh compares two builds by it.
 */
public class Latency {
  static sun.misc.Unsafe unsafe;
  static Object[] objects;
  static long[] blocks;
  static volatile long held;
  static final Object[] KEPT = new Object[1];

  /** What has the address of its memory, as most classes of such libraries do. */
  static final class Handle {
    final long address = unsafe.allocateMemory(45_678);
  }

  static long leak() {
    return unsafe.allocateMemory(12_345);
  }

  static long covered() {
    return unsafe.allocateMemory(23_456);
  }

  static void measure(String name, int rounds, int due, LongConsumer plant) {
    LeakCheck check = LeakCheck.standard().settling(true).suppressing("Latency.covered");
    long[] taken = new long[rounds];
    for (int i = 0; i < rounds; i++) {
      Checkpoint since = HackLeak.checkpoint(name);
      plant.accept(i);
      long start = System.nanoTime();
      LeakReport report = HackLeak.leaksSince(since, check);
      taken[i] = System.nanoTime() - start;
      if (report.blocks() != due) {
        throw new IllegalStateException(name + ": " + report);
      }
    }
    long first = taken[0];
    Arrays.sort(taken);
    System.out.printf("%s %.2f %.2f%n", name, taken[rounds / 2] / 1e6, first / 1e6);
  }

  public static void main(String[] args) throws ReflectiveOperationException {
    Field field = sun.misc.Unsafe.class.getDeclaredField("theUnsafe");
    field.setAccessible(true);
    unsafe = (sun.misc.Unsafe) field.get(null);
    int rounds = Integer.parseInt(args[0]);
    objects = new Object[Integer.parseInt(args[1]) * 10_000];
    Arrays.setAll(objects, i -> new long[11]);
    blocks = new long[Integer.parseInt(args[2]) * 5_000];
    Arrays.setAll(blocks, i -> unsafe.allocateMemory(200));
    measure("failing", rounds, 1, i -> leak());
    measure("clean", rounds, 0, i -> {});
    measure("covered", rounds, 0, i -> covered());
    measure("held", rounds, 0, i -> held = unsafe.allocateMemory(34_567));
    measure("object", rounds, 0, i -> KEPT[0] = new Handle());
  }
}
