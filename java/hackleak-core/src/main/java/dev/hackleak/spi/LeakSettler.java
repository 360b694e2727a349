package dev.hackleak.spi;

import java.time.Duration;

/**
 * Frees what a library owns but has not freed yet, such as the queue of its own cleaner thread.
 *
 * <p>Found with {@link java.util.ServiceLoader}, through the context class loader of the thread
 * that settles. A settler is called after each forced garbage collection while HackLeak settles,
 * once the JVM has handed out the references that became garbage. A library whose cleaner runs by
 * itself within 100 ms or so needs none: HackLeak watches native memory until it stops shrinking.
 */
public interface LeakSettler {
  /**
   * Frees what is waiting, or lets the thread in charge do so and waits for it.
   *
   * <p>Called on the thread that settles. What it throws ends the settling and reaches the caller
   * of the check.
   *
   * @param remaining how much time is left to settle; do not block for longer
   */
  void settle(Duration remaining);
}
