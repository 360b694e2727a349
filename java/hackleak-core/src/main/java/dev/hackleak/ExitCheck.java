package dev.hackleak;

import java.io.PrintStream;

/**
 * The last look for leaks, when the JVM ends.
 *
 * <p>The recorder calls this through JNI from the JVMTI event VMDeath, after the shutdown hooks, on
 * the thread that ends the JVM.
 */
final class ExitCheck {
  private ExitCheck() {}

  /**
   * Settles, so that the image that stays behind holds no garbage; then, if wanted, reports on
   * stderr what is live of all that was recorded. Never throws: nobody is left to catch it.
   */
  static void atExit(boolean report) {
    atExit(report, System.err);
  }

  static void atExit(boolean report, PrintStream out) {
    try {
      Recorder recorder = Recording.current().recorder().orElse(null);
      if (recorder == null) {
        return;
      }
      if (report) {
        LeakCheck settled = LeakCheck.standard().settling(true);
        out.println(new LeakQuery(recorder, Checkpoint.processStart(), settled).run());
      } else {
        HackLeak.settle();
      }
    } catch (Throwable e) {
      out.println("hackleak: the check at JVM exit failed: " + e);
    } finally {
      out.flush();
    }
  }
}
