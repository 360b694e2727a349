import dev.hackleak.Checkpoint;
import dev.hackleak.HackLeak;
import dev.hackleak.LeakError;

/** Fails two checks for blocks that are freed after them: `FreedLater freed`, or `kept` for the last. */
public final class FreedLater {
  private static native void plant(int bytes);

  private static native void release();

  public static void main(String[] arguments) {
    System.load(System.getProperty("victim.library"));
    for (String label : new String[] {"first", "second"}) {
      Checkpoint since = HackLeak.checkpoint(label);
      if (label.equals("second")) {
        release();
      }
      plant(1_999_993);
      try {
        HackLeak.assertNoLeaks(since);
        System.out.println("clean");
      } catch (LeakError e) {
        System.out.println(e.getMessage());
      }
    }
    if (arguments[0].equals("freed")) {
      release();
    }
  }
}
