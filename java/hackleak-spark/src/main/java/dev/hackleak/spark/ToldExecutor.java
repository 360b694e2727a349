package dev.hackleak.spark;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** An executor, and what it has told, or others of it. */
final class ToldExecutor {
  private static final Path PROCESSES = Paths.get("/proc");

  /** How long an executor is waited for that has sent all that is needed, in nanoseconds. */
  private static final long LONGEST_REPORT = TimeUnit.SECONDS.toNanos(15);

  Map<?, ?> start;
  Map<?, ?> judged;

  /** The same of one whose image the driver cannot read where it is. */
  Map<?, ?> claimed;

  Map<?, ?> end;

  /** What was live in it when it ended without a word; null if it told its end. */
  LeftBehind left;

  private final BitSet endedTasks = new BitSet();
  private String removal = "";
  private long removedAt;
  private long imageAt;
  private long judgedAt;
  private long carriesAt;

  Map<?, ?> end() {
    return end == null ? new LinkedHashMap<>() : end;
  }

  boolean isRecorded() {
    return start == null || !start.containsKey(Message.REASON);
  }

  /** Spark has lost it. */
  void removed(String reason) {
    removal = reason == null ? "" : reason.trim();
    removedAt = System.nanoTime();
  }

  /** What is needed to read its image, as it told when it started; empty if it did not. */
  String evidence() {
    return start == null ? "" : Message.text(start, Message.EVIDENCE);
  }

  boolean isRemoved() {
    return removedAt != 0;
  }

  /** The driver makes the report; the image may still be on its way to another folder. */
  void judged(Map<?, ?> message) {
    judged = message;
    judgedAt = System.nanoTime();
  }

  /**
   * Whether its image may still come.
   *
   * @param limit for how long it is sent, in nanoseconds
   */
  boolean isSending(long limit) {
    return judged != null && imageAt == 0 && System.nanoTime() - judgedAt < limit && !isGone();
  }

  /** It was asked at its end for images of others, which it sends now. */
  void carries() {
    carriesAt = System.nanoTime();
  }

  /** It has told its end, after which it sends images of others if it was asked for some. */
  void ended(Map<?, ?> message) {
    end = message;
    if (carriesAt != 0) {
      carries();
    }
  }

  /** It has sent the images that it could. */
  void carried() {
    carriesAt = 0;
  }

  /**
   * Whether it may still send images of others.
   *
   * @param limit for how long they are sent, in nanoseconds
   */
  boolean isCarrying(long limit) {
    return carriesAt != 0 && System.nanoTime() - carriesAt < limit && !isGone();
  }

  /** The driver has got its image. */
  void imageReceived() {
    imageAt = System.nanoTime();
  }

  void taskEnded(long tid) {
    if (tid <= Integer.MAX_VALUE) {
      endedTasks.set((int) tid);
    }
  }

  boolean hasEnded(TaskName task) {
    return task.tid <= Integer.MAX_VALUE && endedTasks.get((int) task.tid);
  }

  /** Whether it is recorded and may still tell its end. */
  boolean isSilent() {
    return isRecorded() && end == null && judged == null;
  }

  /**
   * Whether its end is still to be waited for.
   *
   * @param began since when executors are waited for
   * @param limit for how long, in nanoseconds; from its removal on if Spark has lost it before
   */
  boolean isAwaited(long began, long limit) {
    long now = System.nanoTime();
    long from = removedAt != 0 && removedAt - began < 0 ? removedAt : began;
    // What it would tell yet the driver can read from its image, though with fewer names.
    boolean isEnough = claimed != null && imageAt != 0 && now - imageAt > LONGEST_REPORT;
    return isSilent() && now - from < limit && !isEnough && !isGone();
  }

  /** Whether its process was one of this host and is there no more. */
  private boolean isGone() {
    return start != null
        && Message.host().equals(Message.text(start, Message.HOST))
        && Files.isReadable(Paths.get(Message.text(start, Message.IMAGE)))
        && Files.exists(PROCESSES.resolve("self"))
        && !Files.exists(PROCESSES.resolve(Message.text(start, Message.PID)));
  }

  boolean fails() {
    return Boolean.TRUE.equals(end().get(Message.FAILS));
  }

  boolean isComplete() {
    return !missing().isPresent() && Message.list(found(), Message.INCOMPLETE).isEmpty();
  }

  /** What it found itself, or what its image says. */
  Map<?, ?> found() {
    return left == null ? end() : left.found;
  }

  /** How it ended, if that was no end as it should be and Spark knows. */
  private String ended() {
    return isSilent() ? removal : "";
  }

  /** Why it is not judged, if that is so. */
  Optional<String> missing() {
    if (!isRecorded()) {
      return Optional.of("was not recorded: " + Message.text(start, Message.REASON));
    }
    if (end != null) {
      return end.containsKey(Message.REASON)
          ? Optional.of("is not judged: " + Message.text(end, Message.REASON))
          : Optional.empty();
    }
    if (left != null && left.isNothing()) {
      return Optional.empty();
    }
    return Optional.of(
        (removal.isEmpty()
                ? "has told nothing at its end: it was killed or still settles"
                : "was killed or lost before it told its end (" + removal + ")")
            + whatNow());
  }

  private String whatNow() {
    if (left != null && left.isKnown()) {
      return "; who held what was live there, nobody knows";
    }
    String image = start == null ? "" : Message.text(start, Message.IMAGE);
    return (left == null ? "" : "; " + left.reason())
        + (image.isEmpty() ? "" : "; on its host: hackleak report " + image);
  }

  String where() {
    return start == null
        ? ""
        : " on "
            + Message.text(start, Message.HOST)
            + ", process "
            + Message.text(start, Message.PID);
  }

  /** How many tasks have ended in it, as far as anybody knows. */
  long tasks() {
    return left == null ? Message.number(end(), Message.TASKS) : endedTasks.cardinality();
  }

  Map<String, Object> told(String id) {
    Map<String, Object> told = new LinkedHashMap<>();
    told.put("id", id);
    if (start != null) {
      told.put("host", Message.text(start, Message.HOST));
      told.put("pid", Message.text(start, Message.PID));
      told.put("image", Message.text(start, Message.IMAGE));
    }
    told.put("recorded", isRecorded());
    told.put("verdict", verdict());
    missing().ifPresent(why -> told.put("missing", why));
    if (!ended().isEmpty()) {
      told.put("ended", ended());
    }
    told.put("tasks", tasks());
    told.put("checkMillis", Message.number(end(), Message.MILLIS));
    told.put("bytes", Message.number(end(), Message.BYTES));
    told.put("blocks", Message.number(end(), Message.BLOCKS));
    told.put("incomplete", Message.list(found(), Message.INCOMPLETE));
    told.put("notes", Message.list(found(), Message.NOTES));
    return told;
  }

  private String verdict() {
    return fails() ? JobReport.LEAKS : isComplete() ? JobReport.CLEAN : JobReport.INCOMPLETE;
  }
}
