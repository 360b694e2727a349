import dev.hackleak.Checkpoint;
import dev.hackleak.HackLeak;
import dev.hackleak.LeakKind;
import dev.hackleak.LeakCheck;
import dev.hackleak.LeakReport;
import dev.hackleak.LeakSite;
import java.util.List;

/** Native code opens libraries, and closes them or not. For each way it prints what is lost and what is held. */
public class Opening {
  /** Opens a library so often, and hides the handles. */
  static native void open(int times);

  /** Closes what {@link #open} has opened. */
  static native void close();

  /** Opens one and keeps the handle in a static variable. */
  static native void keep();

  static native void letGo();

  /** Opens one and returns its handle, which {@link #take} closes. */
  static native long give();

  static native void take(long library);

  /** What a Java object knows a library by. */
  static class Library {
    private long handle = give();

    void close() {
      take(handle);
      handle = 0;
    }
  }

  static Library library;

  interface Way {
    void run();
  }

  static long count(List<LeakSite> sites) {
    long count = 0;
    for (LeakSite site : sites) {
      count += site.kind().equals("library handle") ? site.blocks() : 0;
    }
    return count;
  }

  static void sort(String name, Way opens, Way closes) {
    Checkpoint since = HackLeak.checkpoint(name);
    opens.run();
    LeakReport report = HackLeak.leaksSince(since, LeakCheck.standard());
    String lost = count(report.sites()) + " lost";
    String held = count(report.held()) + " held";
    closes.run();
    report = HackLeak.leaksSince(since, LeakCheck.standard());
    long left = count(report.sites()) + count(report.held());
    System.out.println(name + ": " + lost + ", " + held + ", then " + left);
  }

  public static void main(String[] args) {
    System.load(System.getProperty("victim.library"));
    sort("hidden", () -> open(4), Opening::close);
    sort("closed", () -> closing(), () -> {});
    sort("kept", Opening::keep, Opening::letGo);
    sort("object", () -> library = new Library(), () -> library.close());
    sort("dropped", () -> hidden(new Library()), Opening::close);
    Checkpoint since = HackLeak.checkpoint("named");
    open(3);
    try {
      HackLeak.assertNoLeaks(since, LeakCheck.standard().kinds(LeakKind.MODULE));
    } catch (AssertionError leaked) {
      System.out.println(leaked.getMessage());
    }
    close();
    HackLeak.assertNoLeaks(since, LeakCheck.standard().kinds(LeakKind.MODULE));
    open(5);
    HackLeak.assertNoLeaks(since, LeakCheck.standard().kinds(LeakKind.FD));
  }

  /** Lets go of the object and of its handle, which native code keeps in its own way. */
  private static void hidden(Library library) {
    library.close();
    library = null;
    open(1);
  }

  private static void closing() {
    open(4);
    close();
  }
}
