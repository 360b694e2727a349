package dev.hackleak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.hackleak.spi.LeakSettler;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SettlingTest {
  private static final Duration LONG = Duration.ofSeconds(20);

  private final SimulatedRecorder recorder = new SimulatedRecorder();

  @AfterEach
  void noLimit() {
    System.clearProperty(SystemProperties.SETTLE_LIMIT);
  }

  @Test
  void waitsForACleanerThatPolls() {
    recorder.allocate(2);
    AtomicInteger freedIn = new AtomicInteger();
    recorder.onGc =
        () -> {
          if (recorder.gcs == 1) {
            later(
                100,
                () -> {
                  recorder.freeNewest(1);
                  freedIn.set(recorder.gcs);
                });
          }
        };
    assertTrue(settle(LONG));
    assertEquals(1, recorder.liveBlocks());
    int idle = recorder.gcs - freedIn.get();
    assertTrue(idle >= 2, "two rounds in a row that free nothing are the last ones");
  }

  @Test
  void javaObjectsMayHoldTheNextOwner() {
    recorder.allocate(1);
    recorder.onGc = () -> recorder.freeNewest(recorder.gcs == 2 ? 1 : 0);
    assertTrue(settle(LONG));
    assertEquals(0, recorder.liveBlocks());
  }

  @Test
  void theQuietWindowIsKept() {
    recorder.allocate(1);
    long start = System.nanoTime();
    assertTrue(settle(LONG));
    assertTrue(System.nanoTime() - start >= Settling.QUIET_WINDOW.toNanos());
  }

  @Test
  void theProofEndsARound() {
    recorder.allocate(1);
    recorder.pendingReferences = 0;
    recorder.queues = new long[] {0, 0};
    AtomicInteger looks = new AtomicInteger();
    assertTrue(settle(looks));
    assertEquals(2, recorder.gcs);
    // Threads of this JVM's own may be at work for a moment.
    assertTrue(looks.get() < 2 * Settling.POLLS, looks + " looks");
  }

  @Test
  void settlersComeWhenAllReferencesAreQueued() throws InterruptedException {
    recorder.pendingRounds = 3;
    recorder.pendingReferences = 0;
    int[] left = {-1};
    LeakSettler settler = limit -> left[0] = recorder.pendingRounds;
    Garbage.collect(recorder, Collections.singletonList(settler), Deadline.in(LONG));
    assertEquals(0, left[0]);
  }

  @Test
  void whatLiesInAQueueOfTheProgramsIsWaitedForOnce() {
    recorder.allocate(1);
    recorder.pendingReferences = 0;
    recorder.queues = new long[] {0, 4711};
    AtomicInteger looks = new AtomicInteger();
    assertTrue(settle(looks));
    assertTrue(looks.get() > Settling.POLLS, looks + " looks");
    AtomicInteger again = new AtomicInteger();
    assertTrue(settle(again));
    assertTrue(again.get() < 2 * Settling.POLLS, again + " looks");
    recorder.queues = new long[] {0, 4712};
    AtomicInteger other = new AtomicInteger();
    assertTrue(settle(other));
    assertTrue(other.get() > Settling.POLLS, other + " looks");
  }

  @Test
  void noQuietWindowEndsWhatCleanersHaveYetToDo() {
    recorder.allocate(1);
    recorder.pendingReferences = 0;
    recorder.queues = new long[] {1, 0};
    later(
        4 * Settling.QUIET_WINDOW.toMillis(),
        () -> {
          recorder.freeNewest(1);
          recorder.queues = new long[] {0, 0};
        });
    assertTrue(settle(LONG));
    assertEquals(0, recorder.liveBlocks());
  }

  @Test
  void anInterruptMeanwhileIsKept() {
    recorder.allocate(1);
    recorder.pendingReferences = 2;
    assertFalse(settle(LONG));
    assertTrue(Thread.interrupted());
  }

  @Test
  void theLimitIsKept() {
    recorder.allocate(1_000_000);
    recorder.onGc = () -> recorder.freeNewest(1);
    assertFalse(settle(Duration.ofMillis(600)));
    assertTrue(recorder.liveBlocks() > 0);
  }

  @Test
  void anInterruptIsKept() {
    recorder.allocate(1);
    Thread.currentThread().interrupt();
    assertFalse(settle(LONG));
    assertTrue(Thread.interrupted());
  }

  @Test
  void finalizersRun() {
    recorder.allocate(1);
    makeFinalizable(recorder);
    assertTrue(settle(LONG));
    assertEquals(0, recorder.liveBlocks());
  }

  @Test
  void settlersOfLibrariesRun(@TempDir Path folder) throws IOException {
    Path services = Files.createDirectories(folder.resolve("META-INF/services"));
    Files.write(
        services.resolve(LeakSettler.class.getName()),
        Freeing.class.getName().getBytes(StandardCharsets.UTF_8));
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    Freeing.recorder = recorder;
    try (URLClassLoader loader = new URLClassLoader(new URL[] {folder.toUri().toURL()}, before)) {
      thread.setContextClassLoader(loader);
      recorder.allocate(1);
      assertTrue(settle(LONG));
    } finally {
      thread.setContextClassLoader(before);
    }
    assertEquals(0, recorder.liveBlocks());
  }

  @Test
  void theLimitPropertyIsMilliseconds() {
    System.setProperty(SystemProperties.SETTLE_LIMIT, "1500");
    assertEquals(Duration.ofMillis(1_500), SystemProperties.settleLimit());
    System.setProperty(SystemProperties.SETTLE_LIMIT, "5s");
    Exception e = assertThrows(IllegalArgumentException.class, SystemProperties::settleLimit);
    assertEquals(
        "-Dhackleak.settle.limit.ms is a number of milliseconds, not \"5s\"", e.getMessage());
  }

  private boolean settle(Duration limit) {
    return Settling.run(recorder, recorder::liveBlocks, limit);
  }

  private boolean settle(AtomicInteger looks) {
    return Settling.run(
        recorder,
        () -> {
          looks.incrementAndGet();
          return recorder.liveBlocks();
        },
        LONG);
  }

  private static void later(long millis, Runnable action) {
    new Thread(
            () -> {
              try {
                Thread.sleep(millis);
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
              action.run();
            })
        .start();
  }

  private static void makeFinalizable(SimulatedRecorder recorder) {
    new Object() {
      @Override
      @SuppressWarnings({"deprecation", "removal"})
      protected void finalize() {
        recorder.freeNewest(1);
      }
    }.hashCode();
  }

  /** Frees one block each time. */
  public static final class Freeing implements LeakSettler {
    static SimulatedRecorder recorder;

    @Override
    public void settle(Duration remaining) {
      recorder.freeNewest(1);
    }
  }
}
