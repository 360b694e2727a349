package dev.hackleak;

import java.lang.ref.Reference;
import java.lang.reflect.Field;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The cleaner of cuDF, {@code ai.rapids.cudf.MemoryCleaner}: a daemon thread that frees what
 * garbage owned, polls its queue every 100 ms, and counts what nobody had closed.
 *
 * <p>It must be neither loaded nor initialised from here, so it is found by its running thread,
 * which also tells the class loader. Its fields have no accessors; they are read by reflection,
 * under the names that they have had since its beginnings. Where they have others, nothing is done:
 * the quiet window of {@link Settling} is longer than two of its polls.
 */
final class CudfCleaner {
  private static final String CLASS = "ai.rapids.cudf.MemoryCleaner";
  private static final String THREAD = CLASS + "$CleanerThread";
  private static final long POLL_MS = 10;

  /** What was found; null until the cleaner's thread runs. */
  private static volatile CudfCleaner found;

  private final Map<?, ?> registered;
  private final AtomicLong leaked;

  private CudfCleaner(Map<?, ?> registered, AtomicLong leaked) {
    this.registered = registered;
    this.leaked = leaked;
  }

  /** How many objects it has freed so far that nobody had closed. */
  static long leaked() {
    CudfCleaner cleaner = find();
    return cleaner == null ? 0 : cleaner.leaked.get();
  }

  /** Waits until it has freed what the last collection found to be garbage. */
  static void drain(Deadline deadline) throws InterruptedException {
    CudfCleaner cleaner = find();
    while (cleaner != null && cleaner.hasGarbage() && !deadline.hasPassed()) {
      Thread.sleep(POLL_MS);
    }
  }

  /** What is garbage is in its map still, by a reference that was cleared. */
  private boolean hasGarbage() {
    for (Object reference : registered.values()) {
      if (reference instanceof Reference && ((Reference<?>) reference).get() == null) {
        return true;
      }
    }
    return false;
  }

  private static CudfCleaner find() {
    CudfCleaner cleaner = found;
    if (cleaner == null) {
      cleaner = search();
      found = cleaner;
    }
    return cleaner;
  }

  private static CudfCleaner search() {
    Thread thread = Threads.ofClass(THREAD);
    return thread == null ? null : of(thread.getClass());
  }

  private static CudfCleaner of(Class<?> thread) {
    try {
      Class<?> cleaner = Class.forName(CLASS, false, thread.getClassLoader());
      return new CudfCleaner(
          (Map<?, ?>) field(cleaner, "all"), (AtomicLong) field(cleaner, "leakCount"));
    } catch (ReflectiveOperationException | RuntimeException e) {
      return null;
    }
  }

  private static Object field(Class<?> type, String name) throws ReflectiveOperationException {
    Field field = type.getDeclaredField(name);
    field.setAccessible(true);
    return field.get(null);
  }
}
