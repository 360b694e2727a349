import dev.hackleak.Checkpoint;
import dev.hackleak.HackLeak;
import dev.hackleak.LeakCheck;
import dev.hackleak.LeakError;
import dev.hackleak.LeakScope;

/** Three assertions: one that passes, one that fails because of 1,999,993 bytes, one in a scope. */
public class Assertions {
  static native void leak(int bytes);

  public static void main(String[] args) {
    HackLeak.isActive();
    System.load(System.getProperty("victim.library"));
    HackLeak.checkpoint("clean");
    HackLeak.assertNoLeaks();
    HackLeak.checkpoint("leaky");
    leak(1_999_993);
    try {
      HackLeak.assertNoLeaks();
      throw new IllegalStateException("nothing was found");
    } catch (LeakError expected) {
      // It is what the record must say.
    }
    Checkpoint since = HackLeak.checkpoint("scoped");
    leak(17);
    try (LeakScope scope = HackLeak.scope("quiet")) {
      HackLeak.assertNoLeaks(since, LeakCheck.standard().inScope(scope));
    }
  }
}
