package example;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.hackleak.junit.NoLeaks;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Six tests that are all running whenever one of them allocates. */
@NoLeaks
class InterleavedTest {
  private static final CyclicBarrier TOGETHER = new CyclicBarrier(6);

  /** All have begun; all have the shared pool's thread; all have leaked what they leak. */
  private static void meet() throws Exception {
    TOGETHER.await(5, TimeUnit.MINUTES);
  }

  @Test
  void leaksOnItsThread() throws Exception {
    meet();
    meet();
    Block.allocate(1_000_003);
    meet();
  }

  @Test
  void leaksOnAThreadOfItsOwn() throws Exception {
    meet();
    meet();
    Thread thread = new Thread(() -> Block.allocate(2_000_003), "own");
    thread.start();
    thread.join();
    meet();
  }

  @Test
  void leaksOnAnExecutorOfItsOwn() throws Exception {
    meet();
    meet();
    ExecutorService executor = Executors.newFixedThreadPool(1);
    executor.submit(() -> Block.allocate(3_000_017)).get();
    executor.shutdown();
    assertTrue(executor.awaitTermination(5, TimeUnit.MINUTES));
    meet();
  }

  @Test
  void innocent() throws Exception {
    meet();
    long block = Block.allocate(6_000_011);
    meet();
    meet();
    Block.free(block);
    String worker = Thread.currentThread().getClass().getName();
    String expected = System.getProperty("expected.worker");
    assertTrue(expected == null || worker.contains(expected + "$"), worker);
  }

  @Test
  void innocentStartsTheSharedPool() throws Exception {
    meet();
    SharedPool.POOL.submit(() -> Block.free(Block.allocate(6_000_011))).get();
    meet();
    meet();
  }

  @Test
  void leaksOnTheSharedPool() throws Exception {
    meet();
    meet();
    SharedPool.POOL.submit(() -> Block.allocate(4_000_037)).get();
    meet();
  }
}
