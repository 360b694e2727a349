package example;

import dev.hackleak.junit.NoLeaks;
import java.lang.ref.PhantomReference;
import java.lang.ref.ReferenceQueue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Memory that a library's own daemon thread frees, which looks at its queue now and then. */
@NoLeaks
class PollingCleanerTest {
  private static final ReferenceQueue<Object> QUEUE = new ReferenceQueue<>();
  private static final Set<Closing> CLOSINGS = ConcurrentHashMap.newKeySet();
  private static final int POLL_MS = 100;

  static Object held;

  private static final class Closing extends PhantomReference<Object> {
    private final Runnable action;

    Closing(NativeBuffer owner) {
      super(owner, QUEUE);
      action = owner.closer();
    }
  }

  @BeforeAll
  static void startPolling() {
    Thread thread = new Thread(PollingCleanerTest::poll, "polling-cleaner");
    thread.setDaemon(true);
    thread.start();
    owner();
  }

  @Test
  void garbage() {
    owner();
  }

  @Test
  void stillReferenced() {
    held = owner();
  }

  private static Object owner() {
    NativeBuffer owner = new NativeBuffer();
    CLOSINGS.add(new Closing(owner));
    return owner;
  }

  private static void poll() {
    while (true) {
      Closing closing;
      while ((closing = (Closing) QUEUE.poll()) != null) {
        closing.action.run();
        CLOSINGS.remove(closing);
      }
      try {
        Thread.sleep(POLL_MS);
      } catch (InterruptedException e) {
        return;
      }
    }
  }
}
