package dev.hackleak;

import dev.hackleak.spi.LeakSettler;
import java.lang.ref.PhantomReference;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.time.Duration;
import java.util.ServiceLoader;

/** One round of garbage collection, as far as it can be followed to its end. */
final class Garbage {
  private static final long SENTINEL_LIMIT_MS = 1_000;

  private static final Duration LIST_LIMIT = Duration.ofSeconds(1);

  private Garbage() {}

  /**
   * Collects garbage and gives those a chance who free native memory on account of it: reference
   * handler, finalizers, settlers. Cleaner threads go on by themselves afterwards.
   *
   * @throws InterruptedException if the thread was interrupted meanwhile
   */
  static void collect(Recorder recorder, Iterable<LeakSettler> settlers, Deadline deadline)
      throws InterruptedException {
    ReferenceQueue<Object> queue = new ReferenceQueue<>();
    Reference<Object> sentinel = new PhantomReference<>(new Object(), queue);
    recorder.forceGc();
    awaitReferenceHandler(sentinel, queue, deadline);
    awaitEmptyList(recorder);
    Finalizers.run(deadline);
    CudfCleaner.drain(deadline);
    JnaCleaner.drain(recorder);
    for (LeakSettler settler : settlers) {
      settler.settle(Duration.ofMillis(deadline.remainingMillis()));
    }
  }

  /**
   * Whoever looks into a queue now, and then waits for its next use, must find all of it there: the
   * sentinel may have been the first of many. Gives up after a while, and where the JVM does not
   * tell.
   */
  private static void awaitEmptyList(Recorder recorder) throws InterruptedException {
    Deadline limit = Deadline.in(LIST_LIMIT);
    while (WorkedOff.awaitSome(recorder) > 0 && !limit.hasPassed()) {
      // The reference handler goes on.
    }
  }

  /** The settlers that the calling thread sees. */
  static Iterable<LeakSettler> settlers() {
    return ServiceLoader.load(LeakSettler.class);
  }

  /**
   * The JVM's reference handler queues what a collection found, one reference after the other and
   * in no defined order. A sentinel that arrives proves that it has begun on this collection;
   * {@link WorkedOff} tells of the rest. A collector that never clears the sentinel costs a second
   * at most.
   */
  private static void awaitReferenceHandler(
      Reference<Object> sentinel, ReferenceQueue<Object> queue, Deadline deadline)
      throws InterruptedException {
    long wait = Math.min(SENTINEL_LIMIT_MS, deadline.remainingMillis());
    if (wait > 0) {
      queue.remove(wait);
    }
    // Only a reference that is itself reachable is queued, hence this use of it after the wait.
    sentinel.clear();
  }
}
