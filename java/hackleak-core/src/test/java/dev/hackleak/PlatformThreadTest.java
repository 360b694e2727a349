package dev.hackleak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;

class PlatformThreadTest {
  @Test
  void platformThreadsAnswerForThemselves() {
    PlatformThread.required("a scope");
    assertSame(Thread.currentThread(), PlatformThread.call(Thread::currentThread));
  }

  @Test
  @EnabledForJreRange(min = JRE.JAVA_21)
  void scopesAndIgnoringAreRefusedOnVirtualThreads() throws Exception {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      String scope = onVirtualThread(() -> thrownBy(() -> HackLeak.scope("part")));
      assertTrue(scope.startsWith("a scope counts for a platform thread"), scope);
      String ignore = onVirtualThread(() -> thrownBy(HackLeak::ignore));
      assertTrue(ignore.startsWith("ignore() counts for a platform thread"), ignore);
      assertEquals(0, recording.recorder().ignoring());
    }
  }

  @Test
  @EnabledForJreRange(min = JRE.JAVA_21)
  void virtualThreadsMayAssert() throws Exception {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      Thread[] searching = new Thread[1];
      recording.onGc(() -> searching[0] = Thread.currentThread());
      LeakError error =
          onVirtualThread(
              () -> {
                HackLeak.checkpoint();
                recording.allocate(1);
                LeakCheck settled = LeakCheck.standard().settling(true);
                return assertThrows(LeakError.class, () -> HackLeak.assertNoLeaks(settled));
              });
      assertEquals(1, error.report().blocks());
      assertEquals("hackleak-query", searching[0].getName());
      assertNotSame(Thread.currentThread(), searching[0]);
    }
  }

  @Test
  @EnabledForJreRange(min = JRE.JAVA_21)
  void interruptsAreKept() throws Exception {
    boolean kept =
        onVirtualThread(
            () -> {
              Thread.currentThread().interrupt();
              boolean seen = PlatformThread.call(PlatformThreadTest::isInterruptedSoon);
              return seen && Thread.interrupted();
            });
    assertTrue(kept);
  }

  private static boolean isInterruptedSoon() {
    try {
      Thread.sleep(20_000);
      return false;
    } catch (InterruptedException e) {
      return true;
    }
  }

  private static String thrownBy(Runnable call) {
    return assertThrows(UnsupportedOperationException.class, call::run).getMessage();
  }

  private interface Task<T> extends java.util.concurrent.Callable<T> {}

  /** By reflection: this is compiled for Java 8. */
  private static <T> T onVirtualThread(Task<T> task) throws Exception {
    FutureTask<T> future = new FutureTask<>(task);
    Thread.class.getMethod("startVirtualThread", Runnable.class).invoke(null, future);
    return future.get();
  }
}
