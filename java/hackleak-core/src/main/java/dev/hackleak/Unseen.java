package dev.hackleak;

import java.util.Collections;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * What no check of this JVM sees: libraries under test that are blind, partly seen or unknown, and
 * kinds that are not tracked.
 *
 * <p>The reporter tells, once for all checks until another library is loaded: so a check that finds
 * nothing costs one look at the recorder's list of modules.
 */
final class Unseen {
  private static final AtomicBoolean TOLD = new AtomicBoolean();

  private static volatile Unseen last;

  private final Recorder recorder;
  private final int modules;

  /** A report without leaks, or null if there is no answer. */
  private final LeakReport found;

  /** Why there is no answer. */
  private final String reason;

  private Unseen(Recorder recorder, int modules, LeakReport found, String reason) {
    this.recorder = recorder;
    this.modules = modules;
    this.found = found;
    this.reason = reason;
  }

  /** What is not seen with the libraries that are loaded now. */
  static Unseen of(Recorder recorder) {
    int modules = recorder.modules();
    Unseen known = last;
    if (known != null && known.recorder == recorder && known.modules == modules) {
      return known;
    }
    Unseen asked = PlatformThread.call(() -> ask(recorder, modules));
    last = asked;
    return asked;
  }

  private static Unseen ask(Recorder recorder, int modules) {
    // What asking allocates is no leak of the program's.
    recorder.ignore(true);
    try {
      RecorderDescription description = recorder.describe();
      if (description.degraded()) {
        return new Unseen(
            recorder, modules, null, "part of the image is in this JVM's memory only");
      }
      Reporter reporter =
          new Reporter(
              ReporterProgram.find(description.library()), SystemProperties.reportTimeout());
      LeakReport found = reporter.unseen(description);
      tell(found.unseen());
      return new Unseen(recorder, modules, found, "");
    } catch (ReporterException e) {
      return new Unseen(recorder, modules, null, e.getMessage());
    } finally {
      recorder.ignore(false);
    }
  }

  /** Says the line on stderr, if it is the first one of this JVM. */
  static void tell(String line) {
    if (!line.isEmpty() && TOLD.compareAndSet(false, true)) {
      System.err.println("hackleak: " + line);
    }
  }

  /** Whether a strict check fails, or cannot be told not to. */
  boolean mayFail() {
    return found == null || found.fails();
  }

  /** The report of a check that found nothing, with what it could not find. */
  LeakReport qualify(LeakReport clean) {
    if (found == null) {
      return clean.withNotes(Collections.singletonList(LeakText.unseenUnknown(reason)));
    }
    return clean.withNotes(found.notes()).withBlind(found.blindLibraries(), found.fails());
  }
}
