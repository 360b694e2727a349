import dev.hackleak.HackLeak;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * Threads that leak in {@code GetPrimitiveArrayCritical} sections while another one forces collections. 4 threads leak 250
 * blocks of 10,007 bytes each. A recorder that waits for the collector in such a section waits for ever.
 */
public class CriticalSections {
  private static volatile boolean done;
  private static volatile int collections;

  static native void leakInside(byte[] array, int bytes);

  static void work() {
    for (int i = 0; i < 250; i++) {
      // The second half must not be over before there were some, however slow the machine is.
      while (i == 125 && collections <= 3) {
        LockSupport.parkNanos(1_000_000);
      }
      leakInside(new byte[1000 + i], 10_007); // here: call
    }
  }

  public static void main(String[] args) throws InterruptedException {
    HackLeak.checkpoint("start");
    System.load(System.getProperty("victim.library"));
    Thread collector =
        new Thread(
            () -> {
              while (!done) {
                System.gc();
                collections++; // This thread alone writes it.
              }
              System.out.println(collections > 3 ? "collected often" : "hardly collected");
            });
    collector.start();
    List<Thread> workers = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      Thread worker = new Thread(CriticalSections::work);
      worker.start();
      workers.add(worker);
    }
    for (Thread worker : workers) {
      worker.join();
    }
    done = true;
    collector.join();
  }
}
