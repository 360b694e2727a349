import dev.hackleak.HackLeak;
import java.util.ArrayList;
import java.util.List;

/**
 * Threads that leak in {@code GetPrimitiveArrayCritical} sections while another one forces collections. 4 threads leak 250
 * blocks of 10,007 bytes each. A recorder that waits for the collector in such a section waits for ever.
 */
public class CriticalSections {
  private static volatile boolean done;

  static native void leakInside(byte[] array, int bytes);

  static void work() {
    for (int i = 0; i < 250; i++) {
      leakInside(new byte[1000 + i], 10_007); // here: call
    }
  }

  public static void main(String[] args) throws InterruptedException {
    HackLeak.checkpoint("start");
    System.load(System.getProperty("victim.library"));
    Thread collector =
        new Thread(
            () -> {
              int collections = 0;
              while (!done) {
                System.gc();
                collections++;
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
