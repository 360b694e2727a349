package dev.hackleak;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.function.Supplier;

/**
 * What the recorder calls a thread is one of the operating system. A virtual thread has none of its
 * own: it changes between carriers whenever it blocks, so nothing can be switched on for it alone.
 */
final class PlatformThread {
  /** {@code Thread.isVirtual}, or null before Java 21. */
  private static final MethodHandle IS_VIRTUAL = isVirtualMethod();

  private PlatformThread() {}

  /**
   * Does nothing on a platform thread.
   *
   * @param what the beginning of a sentence that ends in "counts for a platform thread"
   * @throws UnsupportedOperationException on a virtual thread
   */
  static void required(String what) {
    if (isVirtual(Thread.currentThread())) {
      throw new UnsupportedOperationException(
          what
              + " counts for a platform thread, but the current thread is virtual and shares its"
              + " carrier with others: run the code under test on a platform thread");
    }
  }

  /** Calls the task here, or on a new platform thread if the current one is virtual. */
  static <T> T call(Supplier<T> task) {
    return isVirtual(Thread.currentThread()) ? callElsewhere(task) : task.get();
  }

  private static <T> T callElsewhere(Supplier<T> task) {
    Outcome<T> outcome = new Outcome<>(task);
    Thread thread = new Thread(outcome, "hackleak-query");
    thread.setDaemon(true);
    thread.setContextClassLoader(Thread.currentThread().getContextClassLoader());
    thread.start();
    boolean interrupted = false;
    while (true) {
      try {
        thread.join();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
        thread.interrupt();
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return outcome.get();
  }

  static boolean isVirtual(Thread thread) {
    if (IS_VIRTUAL == null) {
      return false;
    }
    try {
      return (boolean) IS_VIRTUAL.invokeExact(thread);
    } catch (Throwable e) {
      throw new IllegalStateException("Thread.isVirtual failed", e);
    }
  }

  private static MethodHandle isVirtualMethod() {
    try {
      MethodType type = MethodType.methodType(boolean.class);
      return MethodHandles.publicLookup().findVirtual(Thread.class, "isVirtual", type);
    } catch (NoSuchMethodException | IllegalAccessException e) {
      return null;
    }
  }

  static final class Outcome<T> implements Runnable {
    private final Supplier<T> task;
    private T result;
    private RuntimeException exception;
    private Error error;

    Outcome(Supplier<T> task) {
      this.task = task;
    }

    @Override
    public void run() {
      try {
        result = task.get();
      } catch (RuntimeException e) {
        exception = e;
      } catch (Error e) {
        error = e;
      }
    }

    T get() {
      if (exception != null) {
        throw exception;
      }
      if (error != null) {
        throw error;
      }
      return result;
    }
  }
}
