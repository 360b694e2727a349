package dev.hackleak;

import java.io.PrintStream;
import java.util.HashSet;
import java.util.Set;

/** Whether watched tests run at the same time in this JVM, and what none of them owns. */
final class ParallelRun {
  private static final Set<LeakWatch> RUNNING = new HashSet<>();

  private static Recorder recorder;

  /** Since when leaks may belong to no test; null while tests run one after the other. */
  private static Checkpoint since;

  private ParallelRun() {}

  static synchronized void began(LeakWatch watch, boolean inParallel) {
    if (recorder != watch.recorder()) {
      RUNNING.clear();
      recorder = watch.recorder();
      since = null;
    }
    RUNNING.add(watch);
    if (since == null && (inParallel || RUNNING.stream().anyMatch(watch::isParallelTo))) {
      int first = watch.checkpoint().epoch();
      for (LeakWatch running : RUNNING) {
        first = Math.min(first, running.checkpoint().epoch());
      }
      since = Checkpoint.at(first, "the first parallel test");
      LeakWatch.endOfRunAtExit();
    }
  }

  static synchronized void ended(LeakWatch watch) {
    RUNNING.remove(watch);
  }

  static synchronized boolean isParallel() {
    return since != null;
  }

  static void end(PrintStream out) {
    Checkpoint from;
    Recorder by;
    synchronized (ParallelRun.class) {
      from = since;
      by = recorder;
      since = null;
    }
    if (from == null) {
      return;
    }
    LeakCheck unowned = LeakCheck.standard().settling(true).in(0, Ownership.UNOWNED);
    LeakReport report = new LeakQuery(by, from, unowned).run();
    if (report.hasLeaks()) {
      out.println(
          "hackleak: native memory leaked while tests ran in parallel, and no test owns it for"
              + " sure: it failed none\n"
              + report);
    }
  }
}
