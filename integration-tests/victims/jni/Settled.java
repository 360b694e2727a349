import dev.hackleak.Checkpoint;
import dev.hackleak.HackLeak;
import dev.hackleak.LeakCheck;
import dev.hackleak.LeakReport;
import java.lang.ref.Cleaner;
import java.lang.ref.PhantomReference;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Native blocks that garbage owns, freed in each way that there is, and beside each case a leak that must be found: {@code
 * cases NAME…}. {@code reporter} checks some times, and tells of the processes that were started for that. {@code buffers}
 * makes many direct buffers over memory that is freed, and never collects.
 */
public class Settled {
  static native long allocate(int bytes);

  static native void free(long block);

  static native Object buffer(long block, int bytes);

  static final int OWNED = 1_003;
  static final int LEAKED = 1_999_993;
  static final int OWNERS = 20;

  static final Cleaner CLEANER = Cleaner.create();
  static final Cleaner OTHER = Cleaner.create();

  /** Owns a block that a Cleaner frees. */
  static class Cleaned {
    Cleaned(Cleaner cleaner, long delay) {
      long block = allocate(OWNED);
      cleaner.register(
          this,
          () -> {
            pause(delay);
            free(block);
          });
    }
  }

  /** What its action drops owns a block that another Cleaner frees. */
  static class Chained {
    Chained() {
      Object[] next = {new Cleaned(OTHER, 0)};
      CLEANER.register(this, () -> next[0] = null);
    }
  }

  static class Finalized {
    final long block = allocate(OWNED);

    @Override
    @SuppressWarnings({"deprecation", "removal"})
    protected void finalize() {
      free(block);
    }
  }

  /** What its finalizer drops owns a block that a Cleaner frees. */
  static class FinalizedThenCleaned {
    static final Map<Object, Object> KEPT = new ConcurrentHashMap<>();
    final Object key = new Object();

    FinalizedThenCleaned() {
      KEPT.put(key, new Cleaned(CLEANER, 0));
    }

    @Override
    @SuppressWarnings({"deprecation", "removal"})
    protected void finalize() {
      KEPT.remove(key);
    }
  }

  /** A program's own cleaner: a queue, and a thread that waits at it or looks into it now and then. */
  static class Own {
    final ReferenceQueue<Object> queue = new ReferenceQueue<>();
    final Map<Reference<?>, Long> blocks = new ConcurrentHashMap<>();

    Own(long every, long delay) {
      Thread thread = new Thread(() -> work(every, delay));
      thread.setDaemon(true);
      thread.start();
    }

    void work(long every, long delay) {
      while (true) {
        Reference<?> reference = null;
        try {
          reference = every == 0 ? queue.remove() : queue.poll();
        } catch (InterruptedException e) {
          return;
        }
        if (reference == null) {
          pause(every);
        } else {
          pause(delay);
          free(blocks.remove(reference));
        }
      }
    }

    void owner() {
      Object owner = new Object();
      blocks.put(new PhantomReference<>(owner, queue), allocate(OWNED));
    }
  }

  static final Own WAITING = new Own(0, 0);
  static final Own SLOW = new Own(0, 5);
  static final Own POLLING = new Own(100, 0);

  static void pause(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  static void make(String name, int index) {
    switch (name) {
      case "cleaner" -> new Cleaned(CLEANER, 0);
      case "slow" -> new Cleaned(CLEANER, index == 0 ? 900 : 0);
      case "chained" -> new Chained();
      case "finalizer" -> new Finalized();
      case "finalizer-cleaner" -> new FinalizedThenCleaned();
      case "waiting" -> WAITING.owner();
      case "waiting-slow" -> SLOW.owner();
      case "polling" -> POLLING.owner();
      case "nothing" -> {}
      default -> throw new IllegalArgumentException(name);
    }
  }

  static LeakReport check(Checkpoint since) {
    return HackLeak.leaksSince(since, LeakCheck.standard().settling(true));
  }

  static void plant(String name) {
    for (int i = 0; i < OWNERS; i++) {
      make(name, i);
    }
  }

  static void cases(List<String> names) {
    for (String name : names) {
      for (boolean leaks : new boolean[] {false, true}) {
        Checkpoint since = HackLeak.checkpoint(name);
        plant(name);
        if (leaks) {
          allocate(LEAKED);
        }
        LeakReport report = check(since);
        System.out.println(name + ": " + report.blocks() + " blocks, " + report.bytes() + " bytes");
      }
    }
  }

  static void reporter() throws Exception {
    for (int i = 0; i < 5; i++) {
      Checkpoint since = HackLeak.checkpoint();
      HackLeak.assertNoLeaks(since);
      if (i > 0) {
        allocate(LEAKED);
        System.out.println(check(since).blocks() + " lost");
      }
    }
    List<ProcessHandle> children = ProcessHandle.current().children().toList();
    System.out.println(children.size() + " children");
    for (ProcessHandle child : children) {
      String environment = Files.readString(Path.of("/proc/" + child.pid() + "/environ"));
      boolean preloaded = Arrays.stream(environment.split("\0")).anyMatch(v -> v.startsWith("LD_PRELOAD="));
      System.out.println("child " + child.pid() + " preloaded " + preloaded);
      child.destroyForcibly();
      child.onExit().get();
    }
    Checkpoint since = HackLeak.checkpoint();
    allocate(LEAKED);
    System.out.println(check(since).blocks() + " lost");
    for (ProcessHandle child : ProcessHandle.current().children().toList()) {
      System.out.println("child " + child.pid());
    }
  }

  static void buffers() {
    Map<Integer, Object> kept = new HashMap<>();
    for (int i = 0; i < 60_000; i++) {
      long block = allocate(64);
      Object buffer = buffer(block, 64);
      if (i % 8 == 0) {
        kept.put(i, buffer);
      } else {
        free(block);
      }
    }
    System.out.println(kept.size() + " buffers");
  }

  public static void main(String[] args) throws Exception {
    HackLeak.isActive();
    System.load(System.getProperty("victim.library"));
    switch (args[0]) {
      case "cases" -> cases(Arrays.asList(args).subList(1, args.length));
      case "reporter" -> reporter();
      case "buffers" -> buffers();
      default -> throw new IllegalArgumentException(args[0]);
    }
  }
}
