package dev.hackleak;

/**
 * What the Java side asks of the recorder in this process.
 *
 * <p>The methods have the meaning of their namesakes in {@link NativeBridge}; all of them may be
 * called from any thread.
 */
interface Recorder {
  RecorderDescription describe();

  int checkpoint(String label);

  /** {blocks, bytes} allocated since the epoch that are still live and not ignored. */
  long[] leaksSince(int epoch, int scope, Ownership ownership);

  /**
   * The sites of what {@link #leaksSince} counts, as {@link CoveredSites} knows them, or null if
   * there are more than so many.
   */
  default long[] sitesSince(int epoch, int scope, Ownership ownership, int limit) {
    return null;
  }

  /** Invalid frees that were made since the epoch. */
  long invalidFreesSince(int epoch, int scope, Ownership ownership);

  /**
   * Finds out who holds what is still live, and gives the number by which the reporter finds it.
   *
   * @param finished objects that hold nothing, and through which nothing is reached; the calling
   *     thread stands for its frames
   * @param owned what {@link #owned} gave: what has gone since is lost; 0 for nothing
   * @throws IllegalStateException if it cannot be told; the message says why
   */
  int judge(int epoch, int scope, Ownership ownership, Object[] finished, int owned);

  /** Notes what Java objects have of what is still live, garbage or not; 0 if that is nothing. */
  default int owned(int epoch, int scope, Ownership ownership) {
    return 0;
  }

  /** The number of a judging if native memory and static fields hold all that is live, else 0. */
  default int judgeFirm(int epoch, int scope, Ownership ownership) {
    return 0;
  }

  /** Triples of stack, epoch and blocks of what is live since the epoch. */
  default long[] liveByStack(int epoch) {
    return new long[0];
  }

  /** Grows whenever a library is loaded. */
  int modules();

  /** Whether a library that is not seen fails a check. Never changes. */
  boolean strict();

  /** Allocations minus frees of the process so far, ignored ones included. */
  long liveBlocks();

  /** Events that could not be recorded and that no other figure contains. */
  long unrecordedEvents();

  /**
   * Whether memory under a direct byte buffer was freed, and no collection has told since whether
   * somebody can still reach the buffer.
   */
  default boolean hasBuffersInDoubt() {
    return false;
  }

  void forceGc();

  default int references() {
    return -1;
  }

  default long[] queues(boolean anew) {
    return null;
  }

  default Class<?> loadedClass(ClassLoader loader, String name) {
    return null;
  }

  int openScope(String name);

  int enterScope(int scope);

  int closeScope(int scope);

  /**
   * Begins to count what is allocated in the scope. One that is counted already is counted anew,
   * from the next checkpoint on.
   */
  void beginCounting(int scope);

  /** {the most bytes that the scope had live at once, its allocations}, since it is counted. */
  long[] counted(int scope);

  /** Ends what {@link #beginCounting} began for one scope. */
  void endCounting();

  void ignore(boolean on);

  /**
   * At most so many of the leaking sites, for {@link LinesParser}.
   *
   * @param judging what {@link #judge} gave: what it found held is no leak; 0 if nobody knows
   */
  String rawSites(int epoch, int scope, Ownership ownership, int judging, int limit);

  void assertion(AssertionRecord ended);
}
