package dev.hackleak;

/**
 * A stretch of code that leaks on purpose: what its thread allocates until {@link #close()} is
 * never reported. Made by {@link HackLeak#ignore()}; nests, and counts for the thread that made it
 * only.
 */
public final class Ignored implements AutoCloseable {
  private final Recorder recorder;
  private final Thread owner = Thread.currentThread();
  private boolean closed;

  private Ignored(Recorder recorder) {
    this.recorder = recorder;
  }

  static Ignored begin(Recorder recorder) {
    recorder.ignore(true);
    return new Ignored(recorder);
  }

  static Ignored unrecorded() {
    return new Ignored(null);
  }

  /**
   * Reports this thread's allocations again, unless an outer {@code Ignored} is open. Closing it
   * twice does nothing.
   *
   * @throws IllegalStateException if called by another thread than the one that made it
   */
  @Override
  public void close() {
    if (closed || recorder == null) {
      return;
    }
    if (Thread.currentThread() != owner) {
      throw new IllegalStateException(
          "this Ignored belongs to thread \"" + owner.getName() + "\", which closes it");
    }
    closed = true;
    recorder.ignore(false);
  }
}
