package dev.hackleak;

import dev.hackleak.spi.LeakSettler;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.util.Arrays;
import java.util.List;

/**
 * The last look for leaks, when the JVM ends.
 *
 * <p>The recorder calls this through JNI from the JVMTI event VMDeath, after the shutdown hooks, on
 * the thread that ends the JVM. Class loaders may be closed by then and {@code System.err} may lead
 * nowhere, hence {@link #prepare()} and the descriptor.
 */
final class ExitCheck {
  /** What the check needs; see {@link #prepare()}. */
  static final List<Class<?>> NEEDED =
      Arrays.asList(
          AssertionRecord.class,
          Checkpoint.class,
          CudfCleaner.class,
          Deadline.class,
          Finalizers.class,
          Garbage.class,
          Immutable.class,
          JavaFrame.class,
          LeakCheck.class,
          LeakCheck.Draft.class,
          LeakFrame.class,
          LeakKind.class,
          LeakQuery.class,
          LeakReport.class,
          LeakSite.class,
          LeakText.class,
          LeakVerdict.class,
          LinesParser.class,
          NativeFrame.class,
          PlatformThread.class,
          PlatformThread.Outcome.class,
          RecorderDescription.class,
          Reporter.class,
          ReporterException.class,
          ReporterProgram.class,
          Row.class,
          Settings.class,
          Settling.class,
          StackText.class,
          Verdict.class,
          Whose.class,
          WrongFree.class,
          LeakSettler.class);

  private ExitCheck() {}

  /** Loads all that the check needs, by loading this class, while class loaders still can. */
  static void prepare() {}

  /**
   * Settles, so that the image that stays behind holds no garbage; then, if wanted, reports on
   * stderr what is live of all that was recorded. Never throws: nobody is left to catch it.
   */
  static void atExit(boolean report) {
    try {
      // Not closed: the descriptor is the process's.
      PrintStream stderr = new PrintStream(new FileOutputStream(FileDescriptor.err), true);
      atExit(report, stderr);
    } catch (Throwable e) {
      // What cannot be said on stderr cannot be said at all.
    }
  }

  static void atExit(boolean report, PrintStream out) {
    try {
      Recorder recorder = Recording.current().recorder().orElse(null);
      if (recorder == null) {
        return;
      }
      settle(recorder, out);
      if (report) {
        LeakCheck settled = LeakCheck.standard().afterSettling();
        Checkpoint start = Checkpoint.processStart();
        LeakReport found =
            AssertionRecord.keeping(
                AssertionRecord.EXIT,
                start,
                settled,
                () -> new LeakQuery(recorder, start, settled).run());
        out.println("hackleak: process " + recorder.describe().pid() + " at its exit: " + found);
      }
    } catch (Throwable e) {
      out.println("hackleak: the check at JVM exit failed: " + e);
    } finally {
      out.flush();
    }
  }

  /** What cannot settle is reported all the same. */
  private static void settle(Recorder recorder, PrintStream out) {
    try {
      Settling.run(recorder, recorder::liveBlocks, Settings.settleLimit());
    } catch (Throwable e) {
      out.println("hackleak: garbage may still own native memory, settling failed: " + e);
    }
  }
}
