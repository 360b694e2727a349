import dev.hackleak.Checkpoint;
import dev.hackleak.HackLeak;
import dev.hackleak.LeakCheck;
import dev.hackleak.LeakKind;
import dev.hackleak.LeakReport;
import dev.hackleak.LeakScope;

/**
 * Native code attaches threads, pushes local frames and makes local references, and gives them back
 * or not. For each mode that it is given it prints the sites that are left.
 */
public class Attaching {
  /** Native threads that attach: as daemons, twice, and detach by themselves or by a destructor. */
  static native void threads(int count, boolean named, boolean daemon, int attach, int detach);

  /** Threads that are attached and wait until they are let go. */
  static native void waiting(int count);

  static native void letGo();

  /** Attaches the thread that it runs on, which is Java's. */
  static native void attachAgain();

  static native void frames(int pushed, int popped);

  /** The same in a thread that detaches then, or does not attach with the recorder's knowledge. */
  static native void framesInThread(int pushed, int popped);

  /** Makes so many local references in this call and deletes so many. */
  static native void references(int made, int deleted, int how);

  static native void referencesInFrames(int frames, int each);

  static native void referencesInThread(int made, int deleted, boolean detach);

  static Object give() {
    return "given";
  }

  private static final int BY_ITSELF = 1;
  private static final int BY_DESTRUCTOR = 2;

  static void run(String mode) {
    switch (mode) {
      case "ended":
        threads(7, true, false, 1, 0);
        break;
      case "unnamed":
        threads(1, false, false, 1, 0);
        break;
      case "daemons":
        threads(5, true, true, 1, 0);
        break;
      case "detached":
        threads(7, true, false, 1, BY_ITSELF);
        threads(7, true, true, 1, BY_ITSELF);
        break;
      case "destructor":
        threads(7, true, false, 1, BY_DESTRUCTOR);
        break;
      case "nested":
        threads(7, true, false, 3, BY_ITSELF);
        break;
      case "nested-leak":
        threads(3, true, false, 4, 0);
        break;
      case "running":
        waiting(2);
        break;
      case "java":
        attachAgain();
        break;
      case "frames":
        frames(11, 0);
        break;
      case "some-frames":
        frames(11, 4);
        break;
      case "frames-popped":
        frames(11, 11);
        frames(300, 300);
        // One that was never pushed is nobody's.
        frames(2, 3);
        break;
      case "frames-of-calls":
        for (int i = 0; i < 9; i++) {
          frames(2, 1);
        }
        break;
      case "frames-in-thread":
        framesInThread(11, 3);
        break;
      case "references":
        references(5000, 0, 0);
        break;
      case "references-kept":
        references(1000, 300, 0);
        break;
      case "references-deleted":
        references(100_000, 100_000, 0);
        break;
      case "references-of-many":
        // Each of these gives its references back when it returns.
        for (int i = 0; i < 200; i++) {
          references(100, 0, 0);
        }
        break;
      case "references-bound":
        references(512, 0, 0);
        break;
      case "references-beyond":
        for (int i = 0; i < 3; i++) {
          references(513, 0, 0);
        }
        break;
      case "references-in-frames":
        referencesInFrames(100, 100);
        break;
      case "references-in-frame":
        referencesInFrames(1, 700);
        break;
      case "references-in-thread":
        referencesInThread(2000, 0, false);
        break;
      case "references-in-detached":
        referencesInThread(2000, 0, true);
        break;
      case "references-in-tidy-thread":
        referencesInThread(20_000, 20_000, false);
        break;
      default:
        // Each function that gives a local reference.
        references(600, 0, Integer.parseInt(mode));
    }
  }

  static String sites(LeakReport report) {
    StringBuilder sites = new StringBuilder();
    for (String line : report.toString().split("\n")) {
      if (line.matches("[0-9]+\\) .*")) {
        String site = line.replaceFirst("[0-9]+\\) ", "").replaceFirst(", [0-9]+ older.*", "");
        sites.append(sites.length() == 0 ? "" : "; ").append(site);
      }
    }
    return sites.length() == 0 ? "none" : sites.toString();
  }

  static void parallel() throws InterruptedException {
    Checkpoint since = HackLeak.checkpoint("parallel");
    String[] found = new String[2];
    Thread[] tests = new Thread[2];
    for (int i = 0; i < tests.length; i++) {
      int own = i;
      tests[i] =
          new Thread(
              () -> {
                try (LeakScope scope = HackLeak.scope("test " + own)) {
                  threads(own + 2, true, false, 1, 0);
                  threads(20, true, false, 1, BY_ITSELF);
                  frames(own + 5, 0);
                  LeakCheck check = LeakCheck.standard().settling(false).inScope(scope);
                  check = check.kinds(LeakKind.ATTACH);
                  LeakReport report = HackLeak.leaksSince(since, check);
                  found[own] = report.blocks() + ", " + report.bytes() + " bytes";
                }
              });
    }
    for (Thread test : tests) {
      test.start();
    }
    for (Thread test : tests) {
      test.join();
    }
    System.out.println("parallel: " + String.join("; ", found));
  }

  public static void main(String[] args) throws InterruptedException {
    System.load(System.getProperty("victim.library"));
    for (String mode : args) {
      if (mode.equals("parallel")) {
        parallel();
        continue;
      }
      Checkpoint since = HackLeak.checkpoint(mode);
      run(mode);
      LeakCheck check = LeakCheck.standard().settling(false).kinds(LeakKind.ATTACH);
      LeakReport report = HackLeak.leaksSince(since, check);
      System.out.println(mode + ": " + sites(report));
      letGo();
    }
    // The JVM waits for threads that are no daemons: for ever, if they ended while attached.
    System.exit(0);
  }
}
