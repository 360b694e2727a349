package example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.hackleak.Checkpoint;
import dev.hackleak.HackLeak;
import dev.hackleak.Ignored;
import dev.hackleak.LeakCheck;
import dev.hackleak.LeakError;
import dev.hackleak.LeakReport;
import dev.hackleak.LeakScope;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Whose leak is it: scopes for code that runs at the same time, and leaks on purpose. */
class ScopesTest {
  private final Queue<NativeBuffer> open = new ConcurrentLinkedQueue<>();

  @AfterEach
  void close() {
    open.forEach(NativeBuffer::close);
  }

  @Test
  void parallelThreadsAreToldApart() throws Exception {
    Checkpoint checkpoint = HackLeak.checkpoint();
    CyclicBarrier together = new CyclicBarrier(3);
    ExecutorService pool = Executors.newFixedThreadPool(3);
    List<Future<LeakReport>> reports;
    try {
      reports =
          List.of(
              pool.submit(() -> leaking("clean", 0, 0, checkpoint, together)),
              pool.submit(() -> leaking("leaky", 2, 0, checkpoint, together)),
              pool.submit(() -> leaking("with a child", 1, 3, checkpoint, together)));
    } finally {
      pool.shutdown();
    }

    assertEquals(0, reports.get(0).get().blocks());
    LeakReport leaky = reports.get(1).get();
    assertEquals(2, leaky.blocks());
    assertEquals(2L * NativeBuffer.BYTES, leaky.bytes());
    assertTrue(leaky.toString().contains(" in scope `leaky`: "), leaky.toString());
    LeakReport withChild = reports.get(2).get();
    assertEquals(4, withChild.blocks());
    assertTrue(withChild.toString().contains(", thread `child`\n"), withChild.toString());
    assertEquals(6, HackLeak.leaksSince(checkpoint).blocks());
  }

  private LeakReport leaking(
      String name, int own, int childs, Checkpoint since, CyclicBarrier together)
      throws Exception {
    together.await();
    try (LeakScope scope = HackLeak.scope(name)) {
      allocate(own);
      if (childs > 0) {
        Thread child = new Thread(() -> allocate(childs), "child");
        child.start();
        child.join();
      }
      together.await();
      return HackLeak.leaksSince(since, LeakCheck.standard().inScope(scope));
    }
  }

  @Test
  void theInnermostScopeOwns() {
    Checkpoint checkpoint = HackLeak.checkpoint();
    try (LeakScope outer = HackLeak.scope("outer")) {
      allocate(1);
      try (LeakScope inner = HackLeak.scope("inner")) {
        allocate(2);
        LeakCheck inInner = LeakCheck.standard().inScope(inner);
        assertEquals(2, HackLeak.leaksSince(checkpoint, inInner).blocks());
      }
      allocate(1);
      LeakCheck inOuter = LeakCheck.standard().inScope(outer);
      LeakError error =
          assertThrows(LeakError.class, () -> HackLeak.assertNoLeaks(checkpoint, inOuter));
      assertEquals(2, error.report().blocks());
    }
  }

  @Test
  void ignoredLeaksAreNotReported() {
    HackLeak.checkpoint();
    try (Ignored outer = HackLeak.ignore()) {
      allocate(1);
      try (Ignored inner = HackLeak.ignore()) {
        allocate(1);
      }
      allocate(1);
    }
    HackLeak.assertNoLeaks();
    allocate(1);
    LeakError error = assertThrows(LeakError.class, HackLeak::assertNoLeaks);
    assertEquals(1, error.report().blocks());
    assertEquals(2, error.report().notes().size());
    String note = error.report().notes().get(0);
    assertTrue(note.startsWith("3 blocks (5,999,979 bytes)"), note);
  }

  @Test
  void ignoringEndsAtThisThread() throws InterruptedException {
    Checkpoint checkpoint = HackLeak.checkpoint();
    Thread thread = new Thread(() -> allocate(1));
    try (Ignored onPurpose = HackLeak.ignore()) {
      thread.start();
      thread.join();
    }
    assertEquals(1, HackLeak.leaksSince(checkpoint).blocks());
  }

  @Test
  void virtualThreadsAssertButHaveNoScopes() throws Exception {
    if (Runtime.version().feature() < 21) {
      return;
    }
    FutureTask<LeakReport> task =
        new FutureTask<>(
            () -> {
              Checkpoint checkpoint = HackLeak.checkpoint();
              assertThrows(UnsupportedOperationException.class, () -> HackLeak.scope("none"));
              assertThrows(UnsupportedOperationException.class, HackLeak::ignore);
              HackLeak.assertNoLeaks();
              allocate(1);
              return HackLeak.leaksSince(checkpoint, LeakCheck.standard().settling(true));
            });
    // By reflection: the tests are compiled for Java 17.
    Thread.class.getMethod("startVirtualThread", Runnable.class).invoke(null, task);
    assertEquals(1, task.get().blocks());
  }

  private void allocate(int count) {
    for (int i = 0; i < count; i++) {
      open.add(new NativeBuffer());
    }
  }
}
