package example;

import dev.hackleak.junit.NoLeaks;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The shared pool's thread was started by a test that has ended. */
@NoLeaks
class LaterTest {
  private static final CyclicBarrier TOGETHER = new CyclicBarrier(2);

  @Test
  void leaksOnTheSharedPool() throws Exception {
    SharedPool.POOL.submit(() -> Block.allocate(5_000_011)).get();
    TOGETHER.await(5, TimeUnit.MINUTES);
  }

  @Test
  void innocent() throws Exception {
    Block.free(Block.allocate(6_000_011));
    TOGETHER.await(5, TimeUnit.MINUTES);
  }
}
