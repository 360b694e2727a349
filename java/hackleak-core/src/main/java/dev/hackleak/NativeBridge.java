package dev.hackleak;

/**
 * The recorder's functions, as {@code libhackleak.so} exports them.
 *
 * <p>The only class of HackLeak with native methods. Nothing here may be called before {@link
 * NativeRecorder} has bound it; every native failure arrives as a Java exception. All methods may
 * be called from any thread.
 */
final class NativeBridge {
  private NativeBridge() {}

  /**
   * Where this process records to, as lines {@code key=value}; see {@link RecorderDescription}.
   *
   * @throws IllegalStateException if this process is not recorded; the message says why
   */
  static native String describe();

  /** Begins a new epoch and returns it. The label may be null. */
  static native int checkpoint(String label);

  /**
   * {blocks, bytes} allocated since the epoch, still live and not ignored. Scope 0 means all;
   * {@code ownership} is the ordinal of an {@link Ownership}.
   */
  static native long[] leaksSince(int epoch, int scope, int ownership);

  /**
   * The different stacks of what {@link #leaksSince} counts, each with its kind in the upper 32
   * bits; null if there are more than {@code limit}.
   */
  static native long[] sitesSince(int epoch, int scope, int ownership, int limit);

  /** Invalid frees that were made since the epoch. Scope 0 means all. */
  static native long invalidFreesSince(int epoch, int scope, int ownership);

  /**
   * Finds out who holds what was allocated since the epoch and is still live, and keeps that in the
   * image. Scope 0 means all.
   *
   * @param finished objects that hold nothing, and through which nothing is reached; the calling
   *     thread stands for its frames
   * @param owned what {@link #owned} gave before garbage was collected: what has gone of that since
   *     is lost; 0 for nothing
   * @return the number by which the reporter finds it
   * @throws IllegalStateException if it cannot be told; the message says why
   */
  static native int judge(int epoch, int scope, int ownership, Object[] finished, int owned);

  /**
   * Notes which blocks a Java object has, garbage or not, of what was allocated since the epoch and
   * is still live.
   *
   * @return the number for {@link #judge}; 0 if there are none
   * @throws IllegalStateException if it cannot be told; the message says why
   */
  static native int owned(int epoch, int scope, int ownership);

  /**
   * The same before anything has settled: the number if native memory and static fields, of classes
   * that are never unloaded, hold all of it, else 0.
   */
  static native int judgeFirm(int epoch, int scope, int ownership);

  /**
   * What was allocated since the epoch and is still live, as triples: a stack, the epoch in which
   * it was allocated, and how many blocks.
   */
  static native long[] liveByStack(int epoch);

  /** How many libraries and programs have been loaded into this process so far. */
  static native int modules();

  /**
   * {allocations, frees, events that could not be recorded} of this process until now, and the
   * direct byte buffers whose memory was freed since the last forced collection.
   */
  static native long[] totals();

  /** Collects garbage through JVMTI, which {@code -XX:+DisableExplicitGC} does not switch off. */
  static native void forceGc();

  /**
   * Waits for some of the reference handler's work on what a collection has found.
   *
   * @return 1 if there was any, 0 if not, 2 if the thread was interrupted, -1 where the JVM does
   *     not tell
   */
  static native int references();

  /**
   * What lies in all queues of references: {how many references of Cleaners and finalizers, a
   * number that changes with those of others and is 0 for none}; null where the JVM does not tell.
   *
   * @param anew whether to look for queues that have come since the last time
   */
  static native long[] queues(boolean anew);

  /** The class, or null if the loader has not loaded it. */
  static native Class<?> loadedClass(ClassLoader loader, String name);

  /** Registers a scope and returns its id, which is at least 1. */
  static native int openScope(String name);

  /**
   * Makes the scope this thread's own and returns the one before, for a later call; 0 is none. One
   * that the thread inherited is negative.
   */
  static native int enterScope(int scope);

  /** Ends what the scope owns, for good, and returns the epoch that begins. */
  static native int closeScope(int scope);

  /**
   * Begins to count what is allocated in the scope and in those inside of it. One that is counted
   * already is counted anew, from the next epoch on.
   */
  static native void beginCounting(int scope);

  /**
   * {the most bytes that the scope had live at once, its allocations} since {@link #beginCounting}
   * was last called for it. Only memory counts: no handles, and no objects of pools.
   */
  static native long[] counted(int scope);

  /** Ends the counting of one scope. */
  static native void endCounting();

  /** Counts up or down; while above zero, this thread's allocations are marked as ignored. */
  static native void ignore(boolean on);

  /**
   * The leaking sites as {@link LinesParser} reads them, with frames as module and offset only.
   *
   * @param judging what {@code judge} gave: what it found held is no leak; 0 if nobody knows
   */
  static native String rawSites(int epoch, int scope, int ownership, int judging, int limit);

  /**
   * Keeps in the image what an assertion came to; see {@link AssertionRecord} for the numbers.
   *
   * @param sites 0 when they were not told apart
   * @param label may be null
   * @param detail what went wrong with the check, or null
   */
  static native void assertion(
      int check,
      int outcome,
      int epoch,
      int scope,
      long bytes,
      long blocks,
      int sites,
      String label,
      String detail);
}
