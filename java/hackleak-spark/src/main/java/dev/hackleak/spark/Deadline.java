package dev.hackleak.spark;

import dev.hackleak.HackLeak;
import dev.hackleak.Ignored;
import java.io.IOException;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Until when something is waited for that may hang, such as a file system of another host. What is
 * called several times has one deadline for all of them.
 */
final class Deadline {
  private final Setting setting;
  private final long limitMillis;
  private final long began = System.nanoTime();

  private Deadline(Setting setting, long limitMillis) {
    this.setting = setting;
    this.limitMillis = limitMillis;
  }

  /**
   * One that begins now.
   *
   * @param setting where a person sets the limit
   */
  static Deadline of(Setting setting, long limitMillis) {
    return new Deadline(setting, limitMillis);
  }

  /** The same, of the application's settings. */
  static Deadline of(Setting setting, Conf conf) {
    return new Deadline(setting, setting.number(conf));
  }

  /**
   * Works on a thread of its own, which is interrupted when the time is over.
   *
   * @throws IOException what the work throws; or that it took too long, with the setting's name
   */
  <T> T call(Callable<T> work) throws IOException {
    if (isPassed()) {
      throw tooLong();
    }
    FutureTask<T> task = new FutureTask<>(work);
    thread(task).start();
    try {
      return task.get(Math.max(0, leftNanos()), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      throw failure(e.getCause());
    } catch (TimeoutException e) {
      task.cancel(true);
      throw tooLong();
    } catch (InterruptedException e) {
      task.cancel(true);
      Thread.currentThread().interrupt();
      throw new IOException("it was interrupted", e);
    }
  }

  /** Waits for a thread that was started before. */
  void join(Thread thread) {
    try {
      TimeUnit.NANOSECONDS.timedJoin(thread, leftNanos());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  boolean isPassed() {
    return leftNanos() <= 0;
  }

  private long leftNanos() {
    return TimeUnit.MILLISECONDS.toNanos(limitMillis) - (System.nanoTime() - began);
  }

  private IOException tooLong() {
    return new IOException("that took longer than " + limitMillis + " ms, see " + setting.key());
  }

  private static IOException failure(Throwable cause) {
    if (cause instanceof RuntimeException) {
      throw (RuntimeException) cause;
    }
    if (cause instanceof Error) {
      throw (Error) cause;
    }
    return cause instanceof IOException
        ? (IOException) cause
        : new IOException(cause.toString(), cause);
  }

  /** What it allocates is no leak of the program's. */
  static Thread thread(Runnable work) {
    Runnable unseen =
        () -> {
          Ignored ignored = HackLeak.ignore();
          try {
            work.run();
          } finally {
            ignored.close();
          }
        };
    Thread thread = new Thread(unseen, "hackleak-image");
    thread.setDaemon(true);
    return thread;
  }
}
