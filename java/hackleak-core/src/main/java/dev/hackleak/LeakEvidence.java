package dev.hackleak;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.Collections;
import java.util.Objects;
import java.util.Optional;
import java.util.zip.GZIPInputStream;

/**
 * What this process knows of its leaks, for another process that makes the report. Gathering it
 * takes a fraction of the time of a report, which matters to a process that is to end soon; the
 * report can be made when it has ended. Immutable; {@link #toString()} and {@link #parse(String)}
 * take it from one process to the other.
 */
public final class LeakEvidence {
  private static final String SEPARATOR = "\n";

  /** Where an image says when its process started, to the nanosecond: see its header. */
  private static final int START = 32;

  private static final int START_LENGTH = 16;
  private static final String UNSETTLED =
      "garbage may still own some of it: the process was settling up to its limit";

  private final int epoch;
  private final int judging;
  private final boolean settled;
  private final long pid;
  private final Path library;
  private final Path image;
  private final String start;

  private LeakEvidence(
      int epoch, int judging, boolean settled, long pid, Path library, Path image, String start) {
    this.epoch = epoch;
    this.judging = judging;
    this.settled = settled;
    this.pid = pid;
    this.library = library;
    this.image = image;
    this.start = start;
  }

  /** Of the recorder's own process. */
  private static LeakEvidence of(
      RecorderDescription own, Checkpoint since, int judging, boolean settled) {
    return new LeakEvidence(
        since.epoch(),
        judging,
        settled,
        own.pid(),
        own.library(),
        own.image(),
        startOf(own.image()));
  }

  /**
   * What another process needs if this one ends before it can say a word. Nothing is settled or
   * judged: in the report, the verdict on each site is {@link LeakVerdict#UNKNOWN}, because nobody
   * is left who knows what is held.
   *
   * @return empty where this process is not recorded, and where part of the image is in its memory
   *     only
   */
  public static Optional<LeakEvidence> unjudged(Checkpoint since) {
    Objects.requireNonNull(since, "since");
    return Recording.current()
        .recorder()
        .filter(recorder -> since.isRecorded())
        .map(Recorder::describe)
        .filter(own -> !own.degraded())
        .map(own -> of(own, since, 0, true));
  }

  /**
   * Settles, if the check says so, and finds out who holds what is live since the checkpoint.
   *
   * @return empty where this process is not recorded, where part of the image is in its memory
   *     only, and where it cannot be told who holds what: then {@link HackLeak#leaksSince} knows
   *     more
   */
  public static Optional<LeakEvidence> gather(Checkpoint since, LeakCheck check) {
    Objects.requireNonNull(since, "since");
    Objects.requireNonNull(check, "check");
    return Recording.current()
        .recorder()
        .filter(recorder -> since.isRecorded() && !recorder.describe().degraded())
        .flatMap(recorder -> PlatformThread.call(() -> gather(recorder, since, check)));
  }

  private static Optional<LeakEvidence> gather(
      Recorder recorder, Checkpoint since, LeakCheck check) {
    int epoch = since.epoch();
    // What the search itself allocates is no leak of the program's.
    recorder.ignore(true);
    try {
      boolean settled =
          !check.settles()
              || Settling.run(
                  recorder,
                  () -> recorder.leaksSince(epoch, check.scope(), check.ownership())[0],
                  check.limit());
      RecorderDescription description = recorder.describe();
      int judging = LeakQuery.judged(recorder, since, check, description);
      return Optional.of(of(description, since, judging, settled));
    } catch (IllegalStateException e) {
      return Optional.empty();
    } finally {
      recorder.ignore(false);
    }
  }

  /**
   * Whether this process can read the other one's image, and has the reporter at its place. What
   * another host has at the same path is not that image.
   */
  public boolean isReadable() {
    try {
      return !start.isEmpty()
          && start.equals(startOf(image))
          && Files.isExecutable(ReporterProgram.find(library));
    } catch (ReporterException e) {
      return false;
    }
  }

  /** Where the image is. */
  public Path image() {
    return image;
  }

  /**
   * The same evidence for a copy of the image, which may be packed with gzip.
   *
   * @param copy where it lies; {@link #isReadable()} says whether it is that image
   */
  public LeakEvidence at(Path copy) {
    Objects.requireNonNull(copy, "copy");
    return new LeakEvidence(epoch, judging, settled, pid, library, copy, start);
  }

  /** When the image's process started, as text; empty if it cannot be read. */
  private static String startOf(Path image) {
    byte[] head = new byte[START + START_LENGTH];
    try (BufferedInputStream file = new BufferedInputStream(Files.newInputStream(image))) {
      file.mark(2);
      boolean isPacked = file.read() == 0x1f && file.read() == 0x8b;
      file.reset();
      try (DataInputStream content =
          new DataInputStream(isPacked ? new GZIPInputStream(file) : file)) {
        content.readFully(head);
      }
    } catch (IOException e) {
      return "";
    }
    return new BigInteger(1, Arrays.copyOfRange(head, START, head.length)).toString(16);
  }

  /**
   * The report, made in any process for which the evidence {@link #isReadable()}.
   *
   * @param check the one that it was gathered with
   * @throws IllegalStateException if it cannot be made; the message says why
   */
  public LeakReport report(LeakCheck check) {
    try {
      RecorderDescription other = new RecorderDescription(image, library, pid, false);
      LeakReport report = LeakQuery.reporter(other).report(other, epoch, check, judging);
      return settled ? report : report.withNotes(Collections.singletonList(UNSETTLED));
    } catch (ReporterException e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
  }

  /**
   * Reads what {@link #toString()} has written.
   *
   * @throws IllegalArgumentException if it is something else
   */
  public static LeakEvidence parse(String text) {
    String[] fields = text.split(SEPARATOR, -1);
    if (fields.length != 7) {
      throw new IllegalArgumentException("no evidence: " + text);
    }
    return new LeakEvidence(
        Integer.parseInt(fields[0]),
        Integer.parseInt(fields[1]),
        Boolean.parseBoolean(fields[2]),
        Long.parseLong(fields[3]),
        Paths.get(fields[4]),
        Paths.get(fields[5]),
        fields[6]);
  }

  @Override
  public String toString() {
    return String.join(
        SEPARATOR,
        Integer.toString(epoch),
        Integer.toString(judging),
        Boolean.toString(settled),
        Long.toString(pid),
        library.toString(),
        image.toString(),
        start);
  }
}
