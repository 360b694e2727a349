package dev.hackleak;

import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;

/** A recorder without a process to record: the test says what is allocated and what GC frees. */
final class SimulatedRecorder implements Recorder {
  static final long BLOCK_BYTES = 1_999_993;

  private final List<int[]> blocks = new ArrayList<>();
  private int epoch;
  private int scopes;
  private int scope;
  private int ignoring;

  volatile Runnable onGc = () -> {};
  volatile RecorderDescription description = degraded();
  volatile long unrecorded;
  volatile int gcs;
  volatile boolean rawSitesFail;
  final List<AssertionRecord> assertions = new ArrayList<>();
  volatile long wrongFrees;
  volatile int modules;
  volatile boolean strict;

  /** Out of the reporter's reach, so that no process is started. */
  static RecorderDescription degraded() {
    return new RecorderDescription(Paths.get("image"), Paths.get("libhackleak.so"), 7, true);
  }

  static RecorderDescription reachable(Path folder) {
    return new RecorderDescription(
        folder.resolve("run.hackleak"), folder.resolve("libhackleak.so"), 7, false);
  }

  synchronized void allocate(int count) {
    for (int i = 0; i < count; i++) {
      blocks.add(new int[] {epoch, scope, ignoring});
    }
  }

  synchronized void freeNewest(int count) {
    for (int i = 0; i < count; i++) {
      blocks.remove(blocks.size() - 1);
    }
  }

  synchronized void freeOldest(int count) {
    blocks.subList(0, count).clear();
  }

  synchronized int ignoring() {
    return ignoring;
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
  public synchronized long[] leaksSince(int since, int in) {
    long count =
        blocks.stream()
            .filter(block -> block[0] >= since && (in == 0 || block[1] == in) && block[2] == 0)
            .count();
    return new long[] {count, count * BLOCK_BYTES};
  }

  @Override
  public long findingsSince(int since, int in) {
    return wrongFrees;
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
    int left = scope;
    scope = entered;
    return left;
  }

  @Override
  public synchronized void ignore(boolean on) {
    ignoring += on ? 1 : -1;
  }

  @Override
  public synchronized void assertion(AssertionRecord ended) {
    assertions.add(ended);
  }

  @Override
  public String rawSites(int since, int in, int limit) {
    if (rawSitesFail) {
      throw new IllegalStateException("no memory for it");
    }
    long[] live = leaksSince(since, in);
    String amount = live[1] + "\t" + live[0];
    return "hackleak-lines\t1\ntotal\t"
        + amount
        + "\nsite\t"
        + amount
        + "\tnew[]\nnative\t\t\t0\t/lib/libvictim.so\t1f3\t0\n"
        + "java\tcom.example.Victim\tleak\tVictim.java\t12\t1\nend\n";
  }
}
