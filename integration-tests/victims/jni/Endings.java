import dev.hackleak.HackLeak;
import dev.hackleak.spi.LeakSettler;
import java.lang.ref.Cleaner;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;

/**
 * Ends in the way that the first argument names, with daemon threads running. It leaves 2 blocks of 765,433 bytes that nobody
 * frees, 20 blocks of 123,457 that a Cleaner frees once their owners are collected, and one of 345,679 that a shutdown
 * hook frees. The other arguments: {@code api} uses HackLeak before, {@code hold} and {@code hold-often} have a daemon thread hold
 * an array critically, for ever or again and again, and {@code halt-after} has one halt the JVM with code 9 a second after the
 * shutdown hooks have begun.
 */
public class Endings {
  static native long allocate(int bytes);

  static native void free(long block);

  static native void hold(byte[] array, boolean forEver);

  /** Whether the array has been taken. */
  static native boolean holds();

  private static final Cleaner CLEANER = Cleaner.create();
  private static volatile boolean hooksHaveBegun;

  /** Never returns; named in META-INF/services by the test that wants it. */
  public static class StuckSettler implements LeakSettler {
    @Override
    public void settle(Duration limit) {
      daemonWork(() -> {}, 1_000);
    }
  }

  static void own() {
    Object owner = new Object();
    long block = allocate(123_457);
    CLEANER.register(owner, () -> free(block));
  }

  static void daemon(Runnable work, long pause) {
    Thread thread = new Thread(() -> daemonWork(work, pause));
    thread.setDaemon(true);
    thread.start();
  }

  static void daemonWork(Runnable work, long pause) {
    while (true) {
      work.run();
      try {
        Thread.sleep(pause);
      } catch (InterruptedException e) {
        // The next round comes.
      }
    }
  }

  public static void main(String[] arguments) throws Exception {
    Set<String> wanted = new HashSet<>(Arrays.asList(arguments));
    if (wanted.contains("api")) {
      HackLeak.isActive();
    }
    System.load(System.getProperty("victim.library"));
    allocate(765_433);
    allocate(765_433);
    for (int i = 0; i < 20; i++) {
      own();
    }
    long block = allocate(345_679);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  hooksHaveBegun = true;
                  free(block);
                  System.out.println("hook ran");
                }));
    startDaemons(wanted);
    System.out.println("started");
    end(arguments[0]);
  }

  private static void startDaemons(Set<String> wanted) {
    daemon(() -> free(allocate(54_321)), 1);
    daemon(Object::new, 0);
    if (wanted.contains("hold") || wanted.contains("hold-often")) {
      byte[] array = new byte[1_000];
      daemon(() -> hold(array, wanted.contains("hold")), 0);
      // A busy machine may begin the thread late; a collection must not begin before.
      while (!holds()) {
        Thread.onSpinWait();
      }
    }
    if (wanted.contains("halt-after")) {
      daemon(
          () -> {
            if (hooksHaveBegun) {
              daemonPause();
              Runtime.getRuntime().halt(9);
            }
          },
          5);
    }
  }

  private static void daemonPause() {
    try {
      Thread.sleep(1_000);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void end(String ending) throws InterruptedException {
    switch (ending) {
      case "return":
        return;
      case "exit":
        System.exit(3);
        break;
      case "halt":
        Runtime.getRuntime().halt(4);
        break;
      case "throw":
        throw new IllegalStateException("planned");
      case "term":
        Thread.sleep(100_000);
        break;
      default:
        throw new IllegalArgumentException(ending);
    }
  }
}
