package dev.hackleak;

import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/** A recorder without a process to record: the test says what is allocated and what GC frees. */
final class SimulatedRecorder implements Recorder {
  static final long BLOCK_BYTES = 1_999_993;

  private final List<int[]> blocks = new ArrayList<>();
  private final Map<Integer, Integer> closed = new HashMap<>();
  private int epoch;
  private int scopes;
  private final ThreadLocal<Integer> scope = ThreadLocal.withInitial(() -> 0);
  private final ThreadLocal<Integer> ignoring = ThreadLocal.withInitial(() -> 0);
  private final Map<Integer, Counted> counted = new HashMap<>();
  volatile int counting;

  /** What a scope has had since an epoch. */
  private static final class Counted {
    int since;
    long live;
    long peak;
    long allocations;
  }

  volatile Runnable onGc = () -> {};
  volatile RecorderDescription description = degraded();
  volatile long unrecorded;
  volatile int gcs;
  volatile boolean rawSitesFail;

  /** Whether a judging finds that something holds all of it. */
  volatile boolean allHeld;

  final List<AssertionRecord> assertions = new ArrayList<>();
  volatile long invalidFrees;
  volatile int modules;
  volatile boolean strict;
  volatile int judgings;

  /** Where blocks are allocated from now on. */
  volatile int stack = 1;

  volatile String unjudgeable;
  volatile long[] sites;
  volatile int pendingReferences = -1;

  /** So often references are still pending after a collection. */
  volatile int pendingRounds;

  volatile long[] queues;
  volatile List<Object> notHolding = Collections.emptyList();

  /** Out of the reporter's reach, so that no process is started. */
  static RecorderDescription degraded() {
    return new RecorderDescription(Paths.get("image"), Paths.get("libhackleak.so"), 7, true);
  }

  static RecorderDescription reachable(Path folder) {
    return new RecorderDescription(
        folder.resolve("run.hackleak"), folder.resolve("libhackleak.so"), 7, false);
  }

  static RecorderDescription withRules(Path folder, String rules) {
    return new RecorderDescription(
        folder.resolve("run.hackleak"),
        folder.resolve("libhackleak.so"),
        7,
        false,
        false,
        false,
        "unknown",
        rules);
  }

  synchronized void allocate(int count) {
    for (int i = 0; i < count; i++) {
      blocks.add(new int[] {epoch, scope.get(), ignoring.get(), stack});
      count(blocks.get(blocks.size() - 1), 1);
    }
  }

  private void count(int[] block, int added) {
    Counted of = counted.get(block[1]);
    if (of != null && block[0] >= of.since) {
      of.live += added * BLOCK_BYTES;
      of.peak = Math.max(of.peak, of.live);
      of.allocations += Math.max(added, 0);
    }
  }

  @Override
  public synchronized void beginCounting(int counts) {
    Counted anew = new Counted();
    if (counted.put(counts, anew) == null) {
      counting++;
    } else {
      anew.since = epoch + 1;
    }
  }

  @Override
  public synchronized long[] counted(int counts) {
    Counted of = counted.get(counts);
    return new long[] {of.peak, of.allocations};
  }

  @Override
  public synchronized void endCounting() {
    counting--;
  }

  synchronized void freeNewest(int count) {
    for (int i = 0; i < count; i++) {
      count(blocks.remove(blocks.size() - 1), -1);
    }
  }

  synchronized void freeOldest(int count) {
    blocks.subList(0, count).clear();
  }

  synchronized int ignoring() {
    return ignoring.get();
  }

  @Override
  public int judge(int since, int in, Ownership ownership, Object[] finished, int owned) {
    judgings++;
    notHolding = Arrays.asList(finished);
    if (unjudgeable != null) {
      throw new IllegalStateException(unjudgeable);
    }
    return judgings;
  }

  @Override
  public synchronized long[] liveByStack(int since) {
    return blocks.stream()
        .filter(block -> block[0] >= since && block[2] == 0)
        .flatMapToLong(block -> LongStream.of(block[3], block[0], 1))
        .toArray();
  }

  @Override
  public RecorderDescription describe() {
    return description;
  }

  @Override
  public synchronized int checkpoint(String label) {
    return ++epoch;
  }

  @Override
  public synchronized long[] leaksSince(int since, int in, Ownership ownership) {
    long count =
        blocks.stream()
            .filter(block -> block[0] >= since && block[2] == 0)
            .filter(block -> hasOwnership(block, in, ownership))
            .count();
    return new long[] {count, count * BLOCK_BYTES};
  }

  @Override
  public long[] sitesSince(int since, int in, Ownership ownership, int limit) {
    return sites;
  }

  @Override
  public int references() {
    if (pendingRounds > 0) {
      pendingRounds--;
      return 1;
    }
    return pendingReferences;
  }

  @Override
  public long[] queues(boolean anew) {
    return queues;
  }

  @Override
  public long invalidFreesSince(int since, int in, Ownership ownership) {
    return invalidFrees;
  }

  @Override
  public int modules() {
    return modules;
  }

  @Override
  public boolean strict() {
    return strict;
  }

  @Override
  public synchronized long liveBlocks() {
    return blocks.size();
  }

  @Override
  public long unrecordedEvents() {
    return unrecorded;
  }

  @Override
  public void forceGc() {
    gcs++;
    System.gc();
    onGc.run();
  }

  @Override
  public synchronized int openScope(String name) {
    return ++scopes;
  }

  @Override
  public synchronized int enterScope(int entered) {
    int left = scope.get();
    scope.set(entered);
    return left;
  }

  /** Scopes neither nest here nor have threads that inherit them. */
  private boolean hasOwnership(int[] block, int in, Ownership ownership) {
    Integer end = closed.get(block[1]);
    boolean inTime = end == null || block[0] < end;
    switch (ownership) {
      case ANY:
        return in == 0 || block[1] == in;
      case UNOWNED:
        return block[1] == 0 || end == null || !inTime;
      default:
        return block[1] == in && inTime;
    }
  }

  @Override
  public synchronized int closeScope(int scopeToClose) {
    closed.put(scopeToClose, ++epoch);
    return epoch;
  }

  @Override
  public synchronized void ignore(boolean on) {
    ignoring.set(ignoring.get() + (on ? 1 : -1));
  }

  @Override
  public synchronized void assertion(AssertionRecord ended) {
    assertions.add(ended);
  }

  @Override
  public String rawSites(int since, int in, Ownership ownership, int judging, int limit) {
    if (rawSitesFail) {
      throw new IllegalStateException("no memory for it");
    }
    long[] live = leaksSince(since, in, ownership);
    String amount = live[1] + "\t" + live[0];
    boolean isHeld = allHeld && judging != 0;
    return "hackleak-lines\t1\ntotal\t"
        + (isHeld ? "0\t0" : amount)
        + (isHeld ? "\nheld\t" : "\nsite\t")
        + amount
        + "\tnew[]\nnative\t\t\t0\t/lib/libvictim.so\t1f3\t0\n"
        + "java\tcom.example.Victim\tleak\tVictim.java\t12\t1\nend\n";
  }
}
