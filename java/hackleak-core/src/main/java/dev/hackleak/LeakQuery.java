package dev.hackleak;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * One look for leaks, from the cheap question to the costly answer: count what is live; settle if
 * wanted and count again; have what is left reported.
 *
 * <p>An error on the way never turns into "no leaks". Without the reporter the recorder's own list
 * is used, and without that the bare count.
 */
final class LeakQuery {
  private static final int RAW_SITES = 1_000;
  private static final FirstLook FIRST_LOOK = new FirstLook();

  private final Recorder recorder;
  private final Checkpoint since;
  private final LeakCheck check;
  private final List<String> notes = new ArrayList<>();

  /** The number of the recorder's judging, or 0 where nobody knows who holds what. */
  private int judging;

  LeakQuery(Recorder recorder, Checkpoint since, LeakCheck check) {
    this.recorder = recorder;
    this.since = since;
    this.check = check;
  }

  LeakReport run() {
    if (!since.isRecorded() || nothingToReport()) {
      return nothingLive();
    }
    return PlatformThread.call(this::search);
  }

  private LeakReport search() {
    // What the search itself allocates is no leak of the program's.
    recorder.ignore(true);
    try {
      if (allCovered()) {
        return covered();
      }
      if (liveBlocks() > 0 && check.settles() && !isHeldAnyhow() || buffersInDoubt()) {
        settle();
        judging = 0;
      }
      noteCudfLeaks();
      return nothingToReport() ? nothingLive() : reported();
    } finally {
      recorder.ignore(false);
    }
  }

  /**
   * Whether nothing is live but what rules leave out. Such blocks are no leaks, whatever still
   * holds them, so there is nothing to wait for. The reporter is asked once about each site.
   */
  private boolean allCovered() {
    if (invalidFrees() > 0 || unseen() || buffersInDoubt() || liveBlocks() == 0) {
      return false;
    }
    RecorderDescription description = recorder.describe();
    int from = check.lastRound(since.epoch());
    long[] sites =
        recorder.sitesSince(from, check.scope(), check.ownership(), CoveredSites.MOST_ASKED);
    if (sites == null || description.degraded()) {
      return false;
    }
    CoveredSites known = CoveredSites.of(description, check);
    if (known.isWorthAsking(sites)) {
      try {
        reporter(description).covered(description, from, check);
        known.asked(sites);
      } catch (ReporterException e) {
        // Whoever asks for the report is told.
        return false;
      }
    }
    return known.containsAll(sites);
  }

  static Reporter reporter(RecorderDescription description) throws ReporterException {
    return new Reporter(
        ReporterProgram.find(description.library()), SystemProperties.reportTimeout());
  }

  private LeakReport covered() {
    long[] live = recorder.leaksSince(since.epoch(), check.scope(), check.ownership());
    if (live[0] > 0) {
      notes.add(LeakText.covered(live[1], live[0]));
    }
    return nothingLive();
  }

  private boolean nothingToReport() {
    return liveBlocks() == 0 && invalidFrees() == 0 && !unseen() && !buffersInDoubt();
  }

  /** Whether settling may turn up a buffer whose memory was freed under it. */
  private boolean buffersInDoubt() {
    return check.settles() && recorder.hasBuffersInDoubt();
  }

  private long invalidFrees() {
    return recorder.invalidFreesSince(since.epoch(), check.scope(), check.ownership());
  }

  /** Whether the whole report must be made because a library under test may fail the check. */
  private boolean unseen() {
    return recorder.strict() && Unseen.of(recorder).mayFail();
  }

  private long liveBlocks() {
    int from = check.lastRound(since.epoch());
    return recorder.leaksSince(from, check.scope(), check.ownership())[0];
  }

  private void settle() {
    long limit = check.limit().toMillis();
    if (!Settling.run(recorder, this::liveBlocks, check.limit())) {
      notes.add("garbage may still own some of it, after " + limit + " ms of settling");
    }
  }

  /** Whether garbage makes no difference, because all of it is held by what is none. */
  private boolean isHeldAnyhow() {
    if (recorder.describe().tellsHolders(check.held()) && FIRST_LOOK.isWorthTaking()) {
      judging = recorder.judgeFirm(since.epoch(), check.scope(), check.ownership());
      FIRST_LOOK.took(judging != 0);
    }
    return judging != 0;
  }

  /**
   * Finds out who holds what. Where nothing has settled, what only garbage has is lost, also where
   * a cleaner frees it now.
   *
   * @return the number of the judging
   * @throws IllegalStateException if it cannot be told
   */
  static int judged(
      Recorder recorder, Checkpoint since, LeakCheck check, RecorderDescription description) {
    int epoch = since.epoch();
    int owned = 0;
    if (!check.collects() && description.tellsHolders(check.held())) {
      owned = recorder.owned(epoch, check.scope(), check.ownership());
    }
    if (owned != 0) {
      Settling.once(
          recorder,
          () -> recorder.leaksSince(epoch, check.scope(), check.ownership())[0],
          check.limit());
    }
    return recorder.judge(epoch, check.scope(), check.ownership(), check.finished(), owned);
  }

  private void judge(RecorderDescription description) {
    if (liveBlocks() == 0 || judging != 0) {
      return;
    }
    try {
      judging = judged(recorder, since, check, description);
    } catch (IllegalStateException e) {
      if (!description.heldFails(check.held())) {
        notes.add(LeakText.unjudged(e.getMessage()));
      }
    }
  }

  private LeakReport reported() {
    RecorderDescription description = recorder.describe();
    judge(description);
    if (description.degraded()) {
      return raw("part of the image is in this JVM's memory only");
    }
    try {
      Reporter reporter = reporter(description);
      LeakReport report = reporter.report(description, since.epoch(), check, judging);
      Unseen.tell(report.unseen());
      return report.withAdvice(NextStep.of(report, check)).withNotes(notes);
    } catch (ReporterException e) {
      return raw(e.getMessage());
    }
  }

  /** What the recorder itself can tell; the reason says why no reporter did. */
  private LeakReport raw(String reason) {
    notes.add("the stacks have no symbols, and there is no JSON: " + reason);
    if (check.selects()) {
      notes.add("rounds, kinds, allowances and suppressions of this check were not applied");
    }
    noteUnrecordedEvents();
    int known = recorder.describe().heldFails(check.held()) ? 0 : judging;
    try {
      LeakReport report =
          LinesParser.parse(
              recorder.rawSites(since.epoch(), check.scope(), check.ownership(), known, RAW_SITES));
      noteHeld(report.held());
      return unjudged(report.withNotes(notes), reason);
    } catch (ReporterException | RuntimeException e) {
      notes.add("the leaking sites cannot be listed either: " + e.getMessage());
      long[] live = recorder.leaksSince(since.epoch(), check.scope(), check.ownership());
      return unjudged(unlisted(live[1], live[0]), reason);
    }
  }

  /**
   * Without the reporter neither invalid frees nor libraries can be told; what must fail, fails.
   */
  private LeakReport unjudged(LeakReport report, String reason) {
    LeakReport judged = report;
    long invalid = invalidFrees();
    if (invalid > 0) {
      boolean fail = recorder.describe().failsOnInvalidFrees();
      judged =
          judged
              .withInvalidFrees(Collections.emptyList(), fail)
              .withNotes(Collections.singletonList(LeakText.invalidFrees(invalid)));
    }
    if (unseen()) {
      String unknown = "strict: " + LeakText.unseenUnknown(reason);
      List<String> notes = Collections.singletonList(unknown);
      judged = judged.withBlind(notes, true).withNotes(notes);
    }
    return judged;
  }

  private LeakReport nothingLive() {
    noteUnrecordedEvents();
    if (since.isRecorded()) {
      Untracked.note(recorder, since, check).ifPresent(notes::add);
    }
    List<String> text = Collections.singletonList(LeakText.nothingLive(since));
    LeakReport report = new LeakReport(0, 0, noSites(), Collections.emptyList(), null, text);
    return Unseen.of(recorder).qualify(report.withNotes(notes));
  }

  private LeakReport unlisted(long bytes, long count) {
    List<String> text = LeakText.of(bytes, count, noSites(), Collections.emptyList());
    return new LeakReport(bytes, count, noSites(), Collections.emptyList(), null, text)
        .withNotes(notes);
  }

  private void noteHeld(List<LeakSite> held) {
    if (!held.isEmpty()) {
      long bytes = held.stream().mapToLong(LeakSite::bytes).sum();
      long count = held.stream().mapToLong(LeakSite::blocks).sum();
      notes.add(LeakText.held(bytes, count));
    }
  }

  private void noteCudfLeaks() {
    long leaked = CudfCleaner.leaked() - since.cudfLeaks();
    if (leaked > 0) {
      notes.add(LeakText.cudfLeaks(leaked));
    }
  }

  private void noteUnrecordedEvents() {
    long events = recorder.unrecordedEvents();
    if (events > 0) {
      notes.add(LeakText.unrecordedEvents(events));
    }
  }

  private static List<LeakSite> noSites() {
    return Collections.emptyList();
  }
}
