import dev.hackleak.Checkpoint;
import dev.hackleak.HackLeak;
import dev.hackleak.Ignored;
import dev.hackleak.LeakCheck;
import dev.hackleak.LeakReport;
import dev.hackleak.LeakScope;

/**
 * Two "tests" at the same time, one leaking 3 blocks of 1,999,993 bytes itself and 2 in a thread that it starts, one leaking
 * nothing; then a leak on purpose. Prints what each scope holds, and what all hold together.
 */
public class ScopesAndIgnore {
  static native void plant(int bytes);

  static void leaking() throws InterruptedException {
    for (int i = 0; i < 3; i++) {
      plant(1_999_993);
    }
    Thread child =
        new Thread(
            () -> {
              plant(1_999_993);
              plant(1_999_993);
            });
    child.start();
    child.join();
  }

  static void clean() throws InterruptedException {
    Thread.sleep(50);
  }

  interface Body {
    void run() throws InterruptedException;
  }

  private static String[] results = new String[2];

  static Thread test(int index, Checkpoint since, Body body) {
    return new Thread(
        () -> {
          try (LeakScope scope = HackLeak.scope("test " + index)) {
            body.run();
            LeakReport report = HackLeak.leaksSince(since, LeakCheck.standard().inScope(scope));
            results[index] = report.blocks() + " blocks, " + report.bytes() + " bytes";
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
        });
  }

  public static void main(String[] args) throws InterruptedException {
    HackLeak.isActive();
    System.load(System.getProperty("victim.library"));
    Checkpoint since = HackLeak.checkpoint("start");
    Thread[] tests = {
      test(0, since, ScopesAndIgnore::leaking), test(1, since, ScopesAndIgnore::clean),
    };
    for (Thread test : tests) {
      test.start();
    }
    for (Thread test : tests) {
      test.join();
    }
    System.out.println(results[0]);
    System.out.println(results[1]);
    try (Ignored ignored = HackLeak.ignore()) {
      plant(2_999_999);
    }
    LeakReport all = HackLeak.leaksSince(since);
    System.out.println(all.blocks() + " blocks, " + all.bytes() + " bytes");
  }
}
