import dev.hackleak.HackLeak;
import java.util.ArrayList;
import java.util.List;

/**
 * 500 virtual threads leak 10,007 bytes each, park, most likely come back on another carrier, and leak 10,037 bytes.
 */
public class VirtualThreads {
  static native void plant(int bytes);

  static void body() {
    plant(10_007); // here: before
    parked();
    plant(10_037); // here: after
  }

  static void parked() {
    try {
      Thread.sleep(1);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  public static void main(String[] args) throws InterruptedException {
    HackLeak.checkpoint("start");
    System.load(System.getProperty("victim.library"));
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      threads.add(Thread.ofVirtual().start(VirtualThreads::body));
    }
    for (Thread thread : threads) {
      thread.join();
    }
  }
}
