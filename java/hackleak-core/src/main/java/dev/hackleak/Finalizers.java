package dev.hackleak;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;

/** Runs pending finalizers, for the libraries that still free native memory in them. */
final class Finalizers {
  /**
   * Absent from JDKs without finalization: called by reflection, as the method is to be removed.
   */
  private static final Method RUN_FINALIZATION = runFinalization();

  private static Thread runner;

  private Finalizers() {}

  /** Waits for the finalizers, but not past the deadline: a finalizer may hang for ever. */
  static void run(Deadline deadline) throws InterruptedException {
    if (RUN_FINALIZATION == null) {
      return;
    }
    Thread running = start();
    long wait = deadline.remainingMillis();
    if (wait > 0) {
      running.join(wait);
    }
  }

  /** One thread at a time: behind a hanging finalizer, another would only hang as well. */
  private static synchronized Thread start() {
    if (runner == null || !runner.isAlive()) {
      runner = new Thread(Finalizers::invoke, "hackleak-finalizers");
      runner.setDaemon(true);
      runner.start();
    }
    return runner;
  }

  private static void invoke() {
    try {
      RUN_FINALIZATION.invoke(Runtime.getRuntime());
    } catch (IllegalAccessException | InvocationTargetException e) {
      throw new IllegalStateException("Runtime.runFinalization failed", e);
    }
  }

  private static Method runFinalization() {
    try {
      return Runtime.class.getMethod("runFinalization");
    } catch (NoSuchMethodException e) {
      return null;
    }
  }
}
