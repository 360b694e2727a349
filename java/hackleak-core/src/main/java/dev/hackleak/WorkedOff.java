package dev.hackleak;

import java.util.Collections;
import java.util.Set;
import java.util.WeakHashMap;

/**
 * Proves that what a collection has found is worked off, so that nothing more will be freed on
 * account of it.
 *
 * <pre>
 * collection ──► list of the JVM ──► queues ──► threads that wait at them ──► free
 *                  1. empty           2. empty      3. waiting again
 * </pre>
 *
 * <p>The order is what makes it exact: whatever leaves a place before it was looked at is in the
 * next one. A thread that has taken a reference from a queue is not back at the queue before it has
 * freed what it stands for.
 *
 * <p>What lies in a queue of the program's may be taken by anybody at any time, or never. Then
 * there is no proof, unless it lay there through a whole quiet window before: see {@link
 * Settling#QUIET_WINDOW}.
 */
final class WorkedOff {
  private static final String QUEUE = "java.lang.ref.ReferenceQueue";

  /** Threads that were met waiting at a queue. */
  private static final Set<Thread> AT_QUEUES =
      Collections.synchronizedSet(Collections.newSetFromMap(new WeakHashMap<>()));

  /** What lay in queues of the program's at the end of the last quiet window. */
  private static volatile long left;

  private final Recorder recorder;
  private boolean anew = true;
  private boolean possible = true;

  /** Whether something lay in a queue of the program's: whoever takes it, takes it unseen. */
  private boolean unseen;

  /** Whether references still wait for Cleaners or finalizers, as far as was seen. */
  private boolean cleanersWait;

  WorkedOff(Recorder recorder) {
    this.recorder = recorder;
  }

  /** Notes who waits at a queue; a collection may keep them busy from then on. */
  void beforeCollection() {
    unseen = false;
    cleanersWait = false;
    for (Thread thread : Threads.all()) {
      if (!AT_QUEUES.contains(thread) && (isCleaner(thread) || isAtQueue(thread))) {
        AT_QUEUES.add(thread);
      }
    }
  }

  /** Whether all is worked off; false also where nobody can tell. */
  boolean isProven() throws InterruptedException {
    if (!possible || !listIsEmpty()) {
      return false;
    }
    long[] queues = recorder.queues(anew);
    anew = false;
    if (queues == null) {
      possible = false;
      return false;
    }
    cleanersWait = queues[0] != 0;
    unseen = unseen || queues[1] != 0 && queues[1] != left;
    return !unseen && queues[0] == 0 && allAreBack();
  }

  /** Whether a {@code Cleaner} is known to be at work: then no quiet window tells anything. */
  boolean isUnderWay() {
    if (cleanersWait) {
      return true;
    }
    synchronized (AT_QUEUES) {
      for (Thread thread : AT_QUEUES) {
        if (isCleaner(thread) && thread.isAlive() && !isAtQueue(thread)) {
          return true;
        }
      }
    }
    return false;
  }

  /** A quiet window has passed: what lies in the queues of the program's now waits for its use. */
  void quiet() {
    long[] queues = possible ? recorder.queues(false) : null;
    if (queues != null) {
      left = queues[1];
    }
  }

  private boolean listIsEmpty() throws InterruptedException {
    int pending = awaitSome(recorder);
    possible = pending >= 0;
    return pending == 0;
  }

  /**
   * Waits for some of the references on the JVM's list.
   *
   * @return 1 if there were any, 0 if not, -1 where the JVM does not tell
   */
  static int awaitSome(Recorder recorder) throws InterruptedException {
    int pending = recorder.references();
    if (pending == 2) {
      throw new InterruptedException();
    }
    return pending;
  }

  private static boolean allAreBack() {
    synchronized (AT_QUEUES) {
      for (Thread thread : AT_QUEUES) {
        if (thread.isAlive() && !isAtQueue(thread)) {
          return false;
        }
      }
    }
    return true;
  }

  /** Whether it is one that a {@code Cleaner} has made, at its queue or not. */
  private static boolean isCleaner(Thread thread) {
    String name = thread.getName();
    return thread.getClass().getName().equals("jdk.internal.misc.InnocuousThread")
        && (name.equals("Common-Cleaner") || name.startsWith("Cleaner-"));
  }

  /** Whether it waits for a reference: a thread that was woken, but has not run yet, still does. */
  private static boolean isAtQueue(Thread thread) {
    Thread.State state = thread.getState();
    if (state != Thread.State.WAITING && state != Thread.State.TIMED_WAITING) {
      return false;
    }
    for (StackTraceElement frame : thread.getStackTrace()) {
      String called = frame.getClassName();
      if (called.equals(QUEUE)) {
        return true;
      }
      if (!called.startsWith("java.lang.")
          && !called.startsWith("java.util.concurrent.")
          && !called.startsWith("jdk.internal.")) {
        return false;
      }
    }
    return false;
  }
}
