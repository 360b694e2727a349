package example;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A pool that all tests share; its only thread is started by whoever uses it first. */
final class SharedPool {
  static final ExecutorService POOL =
      Executors.newSingleThreadExecutor(
          task -> {
            Thread thread = new Thread(task, "shared");
            thread.setDaemon(true);
            return thread;
          });

  private SharedPool() {}
}
