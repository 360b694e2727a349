package dev.hackleak;

import java.io.IOException;
import java.nio.file.Paths;
import java.util.Optional;

/** The recorder in {@code libhackleak.so}, called through JNI. */
final class NativeRecorder implements Recorder {
  private final boolean strict;

  private NativeRecorder() {
    strict = describe().strict();
  }

  /**
   * Binds to the recorder that is already part of this process.
   *
   * <p>Where the recorder is an agent of this JVM, its functions are found without being loaded,
   * from any class loader. Otherwise, loading the mapped file by its own path gives the instance
   * that holds the hooks. A copy from anywhere else would become a second library that sees no
   * allocation, so none is ever loaded.
   */
  static Recording bind() {
    if (!System.getProperty("os.name", "").startsWith("Linux")) {
      return Recording.inactive("HackLeak records on Linux only", null);
    }
    try {
      Optional<String> library = MappedLibrary.find(Paths.get("/proc/self/maps"));
      if (!library.isPresent()) {
        return Recording.inactive(MappedLibrary.NAME + " is not loaded into it", null);
      }
      ExitCheck.prepare();
      try {
        NativeBridge.describe();
      } catch (UnsatisfiedLinkError noAgent) {
        System.load(library.get());
        NativeBridge.describe();
      }
      return Recording.active(new NativeRecorder());
    } catch (IOException e) {
      return Recording.inactive("its memory map cannot be read: " + e, e);
    } catch (IllegalStateException e) {
      return Recording.inactive(e.getMessage(), e);
    } catch (LinkageError e) {
      String reason = "the loaded " + MappedLibrary.NAME + " does not fit this version: ";
      return Recording.inactive(reason + e.getMessage(), e);
    }
  }

  @Override
  public RecorderDescription describe() {
    return RecorderDescription.parse(NativeBridge.describe());
  }

  @Override
  public int checkpoint(String label) {
    return NativeBridge.checkpoint(label);
  }

  @Override
  public long[] leaksSince(int epoch, int scope, Ownership ownership) {
    return NativeBridge.leaksSince(epoch, scope, ownership.ordinal());
  }

  @Override
  public long[] sitesSince(int epoch, int scope, Ownership ownership, int limit) {
    return NativeBridge.sitesSince(epoch, scope, ownership.ordinal(), limit);
  }

  @Override
  public long invalidFreesSince(int epoch, int scope, Ownership ownership) {
    return NativeBridge.invalidFreesSince(epoch, scope, ownership.ordinal());
  }

  @Override
  public int judge(int epoch, int scope, Ownership ownership, Object[] finished, int owned) {
    return NativeBridge.judge(epoch, scope, ownership.ordinal(), finished, owned);
  }

  @Override
  public int owned(int epoch, int scope, Ownership ownership) {
    return NativeBridge.owned(epoch, scope, ownership.ordinal());
  }

  @Override
  public int judgeFirm(int epoch, int scope, Ownership ownership) {
    return NativeBridge.judgeFirm(epoch, scope, ownership.ordinal());
  }

  @Override
  public long[] liveByStack(int epoch) {
    return NativeBridge.liveByStack(epoch);
  }

  @Override
  public int modules() {
    return NativeBridge.modules();
  }

  @Override
  public boolean strict() {
    return strict;
  }

  @Override
  public long liveBlocks() {
    long[] totals = NativeBridge.totals();
    return totals[0] - totals[1];
  }

  @Override
  public long unrecordedEvents() {
    return NativeBridge.totals()[2];
  }

  @Override
  public boolean hasBuffersInDoubt() {
    return NativeBridge.totals()[3] > 0;
  }

  @Override
  public void forceGc() {
    NativeBridge.forceGc();
  }

  @Override
  public int references() {
    return NativeBridge.references();
  }

  @Override
  public long[] queues(boolean anew) {
    return NativeBridge.queues(anew);
  }

  @Override
  public Class<?> loadedClass(ClassLoader loader, String name) {
    return NativeBridge.loadedClass(loader, name);
  }

  @Override
  public int openScope(String name) {
    return NativeBridge.openScope(name);
  }

  @Override
  public int enterScope(int scope) {
    return NativeBridge.enterScope(scope);
  }

  @Override
  public int closeScope(int scope) {
    return NativeBridge.closeScope(scope);
  }

  @Override
  public void beginCounting(int scope) {
    NativeBridge.beginCounting(scope);
  }

  @Override
  public long[] counted(int scope) {
    return NativeBridge.counted(scope);
  }

  @Override
  public void endCounting() {
    NativeBridge.endCounting();
  }

  @Override
  public void ignore(boolean on) {
    NativeBridge.ignore(on);
  }

  @Override
  public String rawSites(int epoch, int scope, Ownership ownership, int judging, int limit) {
    return NativeBridge.rawSites(epoch, scope, ownership.ordinal(), judging, limit);
  }

  @Override
  public void assertion(AssertionRecord ended) {
    NativeBridge.assertion(
        ended.check,
        ended.outcome,
        ended.epoch,
        ended.scope,
        ended.bytes,
        ended.blocks,
        ended.sites,
        ended.label,
        ended.detail);
  }
}
