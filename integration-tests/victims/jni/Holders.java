import dev.hackleak.Checkpoint;
import dev.hackleak.HackLeak;
import dev.hackleak.LeakCheck;
import dev.hackleak.LeakReport;
import dev.hackleak.LeakSite;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

/**
 * Who holds what: {@code lost ROUNDS THREADS} plants blocks that nothing holds, of every shape, each round after the
 * same shapes were made, kept in an old vector, and freed; {@code held} has one block for each sort of holder; {@code
 * end} leaves one block that a static has and one that nothing has; {@code ways} has objects with other roots of the JVM.
 */
public class Holders {
  static native long plant(int round);

  static native void churn(int round);

  static native void noise(int threads);

  static native void quiet();

  static native void inGlobal();

  static native void inThreadLocal();

  static native void inThreadSpecific();

  static native void inMapping();

  static native void inNeighbours();

  static native void onStackOfThread();

  static native void asGlobalReference();

  static native long block(int bytes);

  static class Owner {
    private long before;
    final long handle;

    Owner(long handle) {
      this.handle = handle;
    }
  }

  static class Special extends Owner implements Comparable<Special> {
    static final long UNUSED = 7;

    Special(long handle) {
      super(handle);
    }

    @Override
    public int compareTo(Special other) {
      return 0;
    }
  }

  static long inStatic;
  static final long[] inArray = new long[5];
  static Owner owner;
  static final ThreadLocal<ByteBuffer> buffer = new ThreadLocal<>();

  static final Map<String, List<Owner>> map = new HashMap<>();
  static final ThreadLocal<Value> ofThread = new ThreadLocal<>();

  static native void keep(Object object);

  /** Objects that hold something, each with another root of the JVM's. */
  private static void ways() {
    map.computeIfAbsent("key", key -> new ArrayList<>()).add(new Owner(block(7_001)));
    CountDownLatch started = new CountDownLatch(1);
    Thread worker = new Thread(() -> work(started), "worker");
    worker.setDaemon(true);
    worker.start();
    keep(new Object[] {new Special(block(7_004))});
    try {
      started.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static void work(CountDownLatch started) {
    Local inLocal = new Local(block(7_002));
    ofThread.set(new Value(block(7_003)));
    started.countDown();
    try {
      Thread.sleep(Long.MAX_VALUE);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    System.out.println(inLocal);
  }

  static class Value {
    final long handle;

    Value(long handle) {
      this.handle = handle;
    }
  }

  static class Local {
    final long handle;

    Local(long handle) {
      this.handle = handle;
    }
  }

  private static LeakReport since(Checkpoint start) {
    return HackLeak.leaksSince(start, LeakCheck.standard().settling(false));
  }

  private static void lost(int rounds) {
    for (int round = 0; round < rounds; round++) {
      churn(round);
      Checkpoint start = HackLeak.checkpoint("round");
      long planted = plant(round);
      long lost = 0;
      LeakReport report = since(start);
      for (LeakSite site : report.sites()) {
        if (site.frames().stream().anyMatch(frame -> frame.toString().contains("planted"))) {
          lost += site.count();
        }
      }
      for (LeakSite site : report.held()) {
        if (site.frames().stream().anyMatch(frame -> frame.toString().contains("planted"))) {
          System.out.println("hidden: " + site);
        }
      }
      System.out.println("round " + planted + " planted, " + lost + " lost");
    }
  }

  private static void held(String name, Runnable code) {
    for (int round = 0; round < 2; round++) {
      // What a use replaces is younger than the checkpoint, whatever has gone before.
      Checkpoint start = HackLeak.checkpoint(name);
      code.run();
      LeakReport report = since(start);
      System.out.println(name + ": " + report.count() + " lost");
      for (LeakSite site : report.held()) {
        System.out.println("  " + site.bytes() + " " + site.verdict() + " by " + site.holder().get());
      }
      report.sites().forEach(site -> System.out.println("  not held: " + site));
    }
  }

  public static void main(String[] args) {
    HackLeak.isActive();
    System.load(System.getProperty("victim.library"));
    if (args[0].equals("lost")) {
      noise(Integer.parseInt(args[2]));
      lost(Integer.parseInt(args[1]));
      quiet();
      return;
    }
    if (args[0].equals("ways")) {
      ways();
      return;
    }
    if (args[0].equals("end")) {
      inStatic = block(1_117);
      block(2_227);
      return;
    }
    held("global", Holders::inGlobal);
    held("thread_local", Holders::inThreadLocal);
    held("thread-specific", Holders::inThreadSpecific);
    held("mapping", Holders::inMapping);
    held("stack", Holders::onStackOfThread);
    held("reference", Holders::asGlobalReference);
    held("static", () -> inStatic = block(1_111));
    held("array", () -> inArray[3] = block(2_222));
    held("field", () -> owner = new Owner(block(3_333)));
    held("inherited", () -> owner = new Special(block(4_444)));
    held("buffer", () -> buffer.set(ByteBuffer.allocateDirect(55_555)));
    held("neighbours", Holders::inNeighbours);
    held("garbage", () -> new Owner(block(6_666)));
  }
}
