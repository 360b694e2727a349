package dev.hackleak;

import dev.hackleak.spi.LeakSettler;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The last look for leaks, when the JVM ends.
 *
 * <p>The recorder calls this through JNI after the shutdown hooks, on the thread that ends the JVM.
 * Class loaders may be closed by then and {@code System.err} may lead nowhere, hence {@link
 * #prepare()} and the descriptor. Settlers, finalizers and collections may hang, and the JVM must
 * end all the same: so the work is done on a daemon thread, which is given up after a while.
 */
final class ExitCheck {
  /** What the check needs; see {@link #prepare()}. */
  static final List<Class<?>> NEEDED =
      Arrays.asList(
          AssertionRecord.class,
          CheckArguments.class,
          Checkpoint.class,
          CoveredSites.class,
          CudfCleaner.class,
          Deadline.class,
          ExitCode.class,
          Finalizers.class,
          FirstLook.class,
          Garbage.class,
          Immutable.class,
          JavaFrame.class,
          JnaCleaner.class,
          LeakCheck.class,
          LeakCheckDraft.class,
          LeakFrame.class,
          Held.class,
          LeakKind.class,
          LeakQuery.class,
          LeakReport.class,
          LeakReport.Draft.class,
          LeakShare.class,
          LeakSite.class,
          LeakText.class,
          LeakVerdict.class,
          LimitText.class,
          LinesParser.class,
          NativeFrame.class,
          NextStep.class,
          OwnFrames.class,
          PlatformThread.class,
          PlatformThread.Outcome.class,
          RecorderDescription.class,
          Remedy.class,
          Reporter.class,
          ReporterAnswer.class,
          ReporterException.class,
          ReporterProgram.class,
          ResidentReporter.class,
          ResidentReporter.Unusable.class,
          Row.class,
          SystemProperties.class,
          Settling.class,
          SharedSites.class,
          StackText.class,
          Threads.class,
          Unseen.class,
          Untracked.class,
          Verdict.class,
          Ownership.class,
          WorkedOff.class,
          InvalidFree.class,
          LeakSettler.class);

  private ExitCheck() {}

  /** Loads all that the check needs, by loading this class, while class loaders still can. */
  static void prepare() {}

  /** What all of it may take longer than settling and reporting, which have limits of their own. */
  private static final Duration GRACE = Duration.ofSeconds(5);

  /**
   * Settles, so that the image that stays behind holds no garbage; then, if wanted, reports on
   * stderr what is live of all that was recorded. Never throws: nobody is left to catch it.
   *
   * @return whether it settled
   */
  static boolean atExit(boolean report) {
    try {
      // Not closed: the descriptor is the process's.
      PrintStream stderr = new PrintStream(new FileOutputStream(FileDescriptor.err), true);
      return atExit(report, stderr);
    } catch (Throwable e) {
      // What cannot be said on stderr cannot be said at all.
      return false;
    }
  }

  static boolean atExit(boolean report, PrintStream out) {
    try {
      AtomicBoolean settled = new AtomicBoolean();
      Thread thread = new Thread(() -> check(report, out, settled), "hackleak-exit");
      thread.setDaemon(true);
      thread.start();
      Duration limit = limit(report);
      if (!joined(thread, Deadline.in(limit))) {
        out.println(
            "hackleak: the check at JVM exit was given up after "
                + limit.toMillis()
                + " ms, in "
                + place(thread));
      }
      return settled.get();
    } catch (Throwable e) {
      out.println("hackleak: the check at JVM exit failed: " + e);
      return false;
    } finally {
      out.flush();
    }
  }

  private static Duration limit(boolean report) {
    Duration settling = SystemProperties.settleLimit().plus(GRACE);
    return report ? settling.plus(SystemProperties.reportTimeout()) : settling;
  }

  /** Waits for the thread whether or not the current one was interrupted. */
  private static boolean joined(Thread thread, Deadline deadline) {
    boolean interrupted = false;
    while (thread.isAlive() && !deadline.hasPassed()) {
      try {
        thread.join(deadline.remainingMillis() + 1);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return !thread.isAlive();
  }

  /**
   * The method that hangs, without its loader: the first one on the stack that is not the JDK's.
   */
  private static String place(Thread thread) {
    StackTraceElement[] stack = thread.getStackTrace();
    for (StackTraceElement frame : stack) {
      if (!frame.getClassName().startsWith("java.") && !frame.getClassName().startsWith("jdk.")) {
        return new StackTraceElement(
                frame.getClassName(),
                frame.getMethodName(),
                frame.getFileName(),
                frame.getLineNumber())
            .toString();
      }
    }
    return "a thread without a stack";
  }

  private static void check(boolean report, PrintStream out, AtomicBoolean settled) {
    try {
      Recorder recorder = Recording.current().recorder().orElse(null);
      if (recorder == null) {
        return;
      }
      settled.set(settle(recorder, out));
      if (report) {
        LeakCheck check = LeakCheck.standard().afterSettling();
        Checkpoint start = Checkpoint.processStart();
        LeakReport found =
            AssertionRecord.keeping(
                AssertionRecord.EXIT,
                start,
                check,
                () -> new LeakQuery(recorder, start, check).run());
        out.println("hackleak: process " + recorder.describe().pid() + " at its exit: " + found);
      }
    } catch (Throwable e) {
      out.println("hackleak: the check at JVM exit failed: " + e);
    }
  }

  /** What cannot settle is reported all the same. */
  private static boolean settle(Recorder recorder, PrintStream out) {
    Duration limit = SystemProperties.settleLimit();
    String why;
    try {
      if (Settling.run(recorder, recorder::liveBlocks, limit)) {
        return true;
      }
      why = "some was still being freed after " + limit.toMillis() + " ms";
    } catch (Throwable e) {
      why = "settling failed: " + e;
    }
    out.println("hackleak: garbage may still own native memory: " + why);
    return false;
  }
}
