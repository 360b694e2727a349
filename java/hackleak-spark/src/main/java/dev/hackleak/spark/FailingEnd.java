package dev.hackleak.spark;

import java.lang.reflect.Method;

/**
 * Gives spark-submit an exit code of its own when the job has leaked.
 *
 * <p>Spark cleans up in a hook of Hadoop's manager of hooks; the last one there may end the JVM.
 */
final class FailingEnd {
  private static final int LAST = 0;

  private final int code;
  private volatile boolean failed;

  private FailingEnd(int code) {
    this.code = code;
  }

  /** Prepares it while no shutdown is in progress. */
  static FailingEnd prepare(int code) {
    FailingEnd end = new FailingEnd(code);
    try {
      Class<?> manager = Class.forName("org.apache.hadoop.util.ShutdownHookManager");
      Object hooks = manager.getMethod("get").invoke(null);
      Method add = manager.getMethod("addShutdownHook", Runnable.class, int.class);
      add.invoke(hooks, (Runnable) end::halt, LAST);
    } catch (ReflectiveOperationException | RuntimeException | LinkageError e) {
      Runtime.getRuntime().addShutdownHook(new Thread(end::halt, "hackleak-exit-code"));
    }
    return end;
  }

  void fail() {
    failed = true;
  }

  private void halt() {
    if (failed) {
      System.err.flush();
      Runtime.getRuntime().halt(code);
    }
  }
}
