import dev.hackleak.Checkpoint;
import dev.hackleak.HackLeak;
import dev.hackleak.LeakCheck;
import dev.hackleak.LeakReport;
import dev.hackleak.LeakSite;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.lang.ref.SoftReference;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.LongSupplier;

/**
 * Who holds what: {@code lost ROUNDS THREADS} plants blocks that nothing holds, of every shape, each round after the
 * same shapes were made, kept in an old vector, and freed; {@code held} has one block for each sort of holder; {@code
 * end} leaves one block that a static has and one that nothing has; {@code ways} has objects with other roots of the JVM.
 */
public class Holders {
  static native long plant(int round);

  static native long[] churn(int round);

  static native void noise(int threads);

  static native void quiet();

  static native void inGlobal();

  static native void inThreadLocal();

  static native void inThreadSpecific();

  static native void inMapping();

  static native void inNeighbours();

  static native void onStackOfThread();

  static native void asGlobalReference();

  static native void inContainers(int bytes);

  static native void inMiddleAndMarked(int bytes);

  static native void asReferenceOf(Object owner);

  static native void disguised(int bytes);

  static native boolean make(int bytes);

  static native void unmake();

  static native long block(int bytes);

  /** What a class has that some loader of its own has loaded. */
  public static class Loaded {
    static long handle;

    public static void set(long value) {
      handle = value;
    }
  }

  static class Loader extends ClassLoader {
    Class<?> loaded() throws Exception {
      try (InputStream in = Holders.class.getResourceAsStream("Holders$Loaded.class")) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int next = in.read(); next >= 0; next = in.read()) {
          out.write(next);
        }
        return defineClass("Holders$Loaded", out.toByteArray(), 0, out.size());
      }
    }
  }

  record Kept(int number, long handle) {}

  /** Was closed, and keeps its handle. */
  static class Closed {
    final long handle;

    Closed(long handle) {
      this.handle = handle;
    }
  }

  /** Old values in objects that are alive: of a closed object, a table, and a static. */
  static final List<Closed> closed = new ArrayList<>();

  static long[] table;
  static long last;

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

  /** Declares no field. */
  static class Plain extends Owner {
    Plain(long handle) {
      super(handle);
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

  /**
   * Old words are left only where nobody else allocates: others may have their addresses at the
   * checkpoint, and give them back later.
   */
  private static void lost(int rounds, boolean old) {
    for (int round = 0; round < rounds; round++) {
      if (old) {
        table = churn(round);
        closed.clear();
        for (long handle : table) {
          closed.add(new Closed(handle));
        }
        last = table[0];
      }
      Checkpoint start = HackLeak.checkpoint("round");
      long planted = plant(round);
      long lost = 0;
      LeakReport report = since(start);
      for (LeakSite site : report.sites()) {
        if (site.frames().stream().anyMatch(frame -> frame.toString().contains("planted"))) {
          lost += site.blocks();
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
      System.out.println(name + ": " + report.blocks() + " lost");
      for (LeakSite site : report.held()) {
        System.out.println("  " + site.bytes() + " " + site.verdict() + " by " + site.holder().get());
      }
      report.sites().forEach(site -> System.out.println("  not held: " + site));
    }
  }

  private static Class<?> loadedClass;
  private static Object some;
  private static SoftReference<Owner> soft;
  private static final ExecutorService pool =
      Executors.newSingleThreadExecutor(
          work -> {
            Thread thread = new Thread(work, "pool");
            thread.setDaemon(true);
            return thread;
          });
  private static final ThreadLocal<Object> local = new ThreadLocal<>();

  private static void inLoadedClass() {
    try {
      loadedClass = new Loader().loaded();
      loadedClass.getMethod("set", long.class).invoke(null, block(7_001));
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private static void inThreadOfPool() {
    try {
      pool.submit(() -> local.set(new Owner(block(7_002)))).get();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  /** A thread that waits has the owner in a variable of its own. */
  private static void inFrameOf(java.util.function.Function<Runnable, Thread> start, int bytes) {
    CountDownLatch has = new CountDownLatch(1);
    start.apply(
        () -> {
          Owner mine = new Owner(block(bytes));
          has.countDown();
          try {
            new CountDownLatch(1).await();
          } catch (InterruptedException e) {
            System.out.println(mine);
          }
          System.out.println(mine);
        });
    try {
      has.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static Thread platform(Runnable work) {
    Thread thread = new Thread(work);
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  /** From 21 on, and compiled for 17. */
  private static Thread virtual(Runnable work) {
    try {
      return (Thread) Thread.class.getMethod("startVirtualThread", Runnable.class).invoke(null, work);
    } catch (ReflectiveOperationException e) {
      return platform(work);
    }
  }

  private static void holders() {
    // What must be lost comes before there are threads, on whose stacks old words may lie.
    WeakReference<?>[] weak = new WeakReference<?>[1];
    held("weak", () -> weak[0] = new WeakReference<>(new Owner(block(7_011))));
    held("disguised", () -> disguised(7_012));
    held("containers", () -> inContainers(7_010));
    held("middle", () -> inMiddleAndMarked(7_020));
    held("loaded class", Holders::inLoadedClass);
    held("pool", Holders::inThreadOfPool);
    held("record", () -> some = new Kept(1, block(7_003)));
    held(
        "lambda",
        () -> {
          long handle = block(7_004);
          some = (LongSupplier) () -> handle;
        });
    held("soft", () -> soft = new SoftReference<>(new Owner(block(7_005))));
    held(
        "cleaner",
        () -> {
          long handle = block(7_006);
          Owner owner = new Owner(0);
          some = owner;
          cleaner.register(owner, () -> System.out.println(handle));
        });
    held("object of a reference", () -> asReferenceOf(new Owner(block(7_007))));
    held("frame", () -> inFrameOf(Holders::platform, 7_008));
    held("virtual frame", () -> inFrameOf(Holders::virtual, 7_009));
    own();
    madeAgain();
  }

  private static final java.lang.ref.Cleaner cleaner = java.lang.ref.Cleaner.create();

  /** The frames of who asks hold nothing, be the object open or closed; what a static has, holds. */
  private static void own() {
    Closed before = new Closed(0);
    Checkpoint start = HackLeak.checkpoint("own");
    Closed mine = new Closed(block(7_013));
    Closed kept = new Closed(block(7_014));
    some = kept;
    List<Closed> behind = new ArrayList<>();
    behind.add(new Closed(block(7_015)));
    LeakReport report = since(start);
    System.out.println("own: " + report.blocks() + " lost");
    report.sites().forEach(site -> System.out.println("  lost " + site.bytes()));
    report.held().forEach(site -> System.out.println("  held " + site.bytes()));
    keepAlive(before, mine, kept, behind);
  }

  /** One structure that ended and another of the same code at the same place. */
  private static void madeAgain() {
    make(1_016);
    for (int round = 0; round < 100; round++) {
      unmake();
      Checkpoint start = HackLeak.checkpoint("made again");
      if (make(1_016)) {
        LeakReport report = since(start);
        System.out.println("made again: " + report.blocks() + " lost");
        report.held().forEach(site -> System.out.println("  held " + site.bytes()));
        return;
      }
    }
    System.out.println("never at the same place");
  }

  private static void keepAlive(Object... objects) {
    if (objects.length == 0) {
      throw new AssertionError();
    }
  }

  public static void main(String[] args) {
    HackLeak.isActive();
    System.load(System.getProperty("victim.library"));
    if (args[0].equals("lost")) {
      int threads = Integer.parseInt(args[2]);
      noise(threads);
      lost(Integer.parseInt(args[1]), threads == 0);
      quiet();
      return;
    }
    if (args[0].equals("ways")) {
      ways();
      return;
    }
    if (args[0].equals("holders")) {
      holders();
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
    held("inherited alone", () -> owner = new Plain(block(4_445)));
    held("buffer", () -> buffer.set(ByteBuffer.allocateDirect(55_555)));
    held("neighbours", Holders::inNeighbours);
    held("garbage", () -> new Owner(block(6_666)));
  }
}
