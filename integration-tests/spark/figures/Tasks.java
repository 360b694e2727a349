import dev.hackleak.HackLeak;
import dev.hackleak.LeakScope;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.lang.reflect.Field;
import java.util.Arrays;
import sun.misc.Unsafe;

/**
 * {@code Tasks COUNT}: opens and closes a scope for each of so many tasks of 1,000 a stage, as the
 * Spark plugin does. Each hundredth leaks a block of 64 bytes. Prints the microseconds of processor
 * time that a scope takes: the median of parts of a thousand, and the slowest part.
 */
public class Tasks {
  public static void main(String[] args) throws Exception {
    Field field = Unsafe.class.getDeclaredField("theUnsafe");
    field.setAccessible(true);
    Unsafe unsafe = (Unsafe) field.get(null);
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    double[] parts = new double[Integer.parseInt(args[0]) / 1000];
    for (int stage = 0; stage < parts.length; stage++) {
      long time = 0;
      for (int task = 0; task < 1000; task++) {
        String name = "stage " + stage + ".0 task " + task + " TID " + (stage * 1000 + task);
        long start = threads.getCurrentThreadCpuTime();
        LeakScope scope = HackLeak.scope(name);
        long opened = threads.getCurrentThreadCpuTime();
        if (task % 100 == 0) {
          unsafe.allocateMemory(64);
        }
        long closing = threads.getCurrentThreadCpuTime();
        scope.close();
        time += opened - start + threads.getCurrentThreadCpuTime() - closing;
      }
      parts[stage] = time / 1e6;
    }
    Arrays.sort(parts);
    System.out.println("median " + parts[parts.length / 2]);
    System.out.println("slowest " + parts[parts.length - 1]);
  }
}
