package dev.hackleak;

import java.util.Objects;

/**
 * A named part of the program: it owns what its thread allocates until {@link #close()}, and what
 * the threads allocate that this thread starts meanwhile. Made by {@link HackLeak#scope(String)},
 * looked at with {@link LeakCheck#inScope(LeakScope)}.
 *
 * <p>Threads are those of the operating system. A pool's threads belong to the scope in which the
 * pool started them, not to that of the task which they run, and so do the carriers of virtual
 * threads: check what these allocate without a scope.
 *
 * <p>Scopes nest; the innermost owns an allocation. A scope is closed by the thread that opened it,
 * inner before outer, which try-with-resources does by itself. The threads started inside keep the
 * scope after it was closed.
 */
public final class LeakScope implements AutoCloseable {
  private final Recorder recorder;
  private final String name;
  private final int id;
  private final int outer;
  private final Thread owner = Thread.currentThread();
  private boolean closed;

  private LeakScope(Recorder recorder, String name, int id, int outer) {
    this.recorder = recorder;
    this.name = name;
    this.id = id;
    this.outer = outer;
  }

  static LeakScope open(Recorder recorder, String name) {
    int id = recorder.openScope(Objects.requireNonNull(name, "name"));
    return new LeakScope(recorder, name, id, recorder.enterScope(id));
  }

  static LeakScope unrecorded(String name) {
    return new LeakScope(null, Objects.requireNonNull(name, "name"), 0, 0);
  }

  /** The name it was given; several scopes may share one. */
  public String name() {
    return name;
  }

  int id() {
    return id;
  }

  /**
   * Ends the scope on the calling thread; closing it again does nothing.
   *
   * @throws IllegalStateException if another thread opened the scope, or if an inner one is still
   *     open
   */
  @Override
  public void close() {
    if (closed || recorder == null) {
      return;
    }
    if (Thread.currentThread() != owner) {
      throw new IllegalStateException(
          "scope \"" + name + "\" belongs to thread \"" + owner.getName() + "\", which closes it");
    }
    int left = recorder.enterScope(outer);
    if (left != id) {
      recorder.enterScope(left);
      throw new IllegalStateException(
          "scope \"" + name + "\" is not the innermost one: close the inner scopes first");
    }
    closed = true;
  }

  @Override
  public String toString() {
    return "scope \"" + name + "\"";
  }
}
