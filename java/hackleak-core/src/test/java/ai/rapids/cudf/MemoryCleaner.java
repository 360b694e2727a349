package ai.rapids.cudf;

import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Stands in for cuDF's class of this name, with the fields and the thread that HackLeak looks for.
 * The real one is tested in integration-tests/cudf.
 */
public final class MemoryCleaner {
  static final AtomicLong leakCount = new AtomicLong();
  private static final Map<Long, Owned> all = new ConcurrentHashMap<>();
  private static final ReferenceQueue<Object> collected = new ReferenceQueue<>();
  private static final AtomicLong IDS = new AtomicLong();

  static {
    CleanerThread thread = new CleanerThread();
    thread.setDaemon(true);
    thread.start();
  }

  private MemoryCleaner() {}

  public static void register(Object owner, Runnable free) {
    long id = IDS.incrementAndGet();
    all.put(id, new Owned(owner, id, free));
  }

  private static final class Owned extends WeakReference<Object> {
    private final long id;
    private final Runnable free;

    Owned(Object owner, long id, Runnable free) {
      super(owner, collected);
      this.id = id;
      this.free = free;
    }
  }

  private static final class CleanerThread extends Thread {
    @Override
    public void run() {
      while (true) {
        try {
          Owned owned = (Owned) collected.remove();
          Thread.sleep(400);
          owned.free.run();
          leakCount.incrementAndGet();
          all.remove(owned.id);
        } catch (InterruptedException e) {
          return;
        }
      }
    }
  }
}
