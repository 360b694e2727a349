package dev.hackleak.spark;

import dev.hackleak.LeakCheck;
import dev.hackleak.LeakEvidence;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;

/** What all executors of an application have found, by stage and task. */
final class JobReport {
  static final String CLEAN = "clean";
  static final String LEAKS = "leaks";
  static final String INCOMPLETE = "incomplete";

  private final Supplier<String> application;
  private final Function<Integer, String> stageNames;
  private final ReceivedImages images;
  private final Map<String, ToldExecutor> executors = new TreeMap<>(JobReport::byNumber);
  private final ToldSites sites = new ToldSites();
  private final ToldSites held = new ToldSites();

  /**
   * @param application its name, which nobody knows before executors are there
   * @param stageNames what Spark calls a stage, or empty where it does not know
   * @param images those of executors of other hosts
   */
  JobReport(
      Supplier<String> application, Function<Integer, String> stageNames, ReceivedImages images) {
    this.application = application;
    this.stageNames = stageNames;
    this.images = images;
  }

  private static int byNumber(String one, String other) {
    int byLength = Integer.compare(one.length(), other.length());
    return byLength != 0 ? byLength : one.compareTo(other);
  }

  synchronized void started(Map<?, ?> message) {
    executor(message).start = message;
  }

  synchronized void ended(Map<?, ?> message) {
    executor(message).ended(message);
    sites.add(Message.list(message, Message.SITES));
    held.add(Message.list(message, Message.HELD));
  }

  /** Spark has lost an executor, or has ended it. */
  synchronized void removed(String executor, String reason) {
    ToldExecutor removed = executors.get(executor);
    if (removed != null) {
      removed.removed(reason);
    }
  }

  /** A task of an executor has ended, in whatever way but with the executor. */
  synchronized void taskEnded(String executor, long tid) {
    ToldExecutor of = executors.get(executor);
    if (of != null) {
      of.taskEnded(tid);
    }
  }

  /** Whether the executor's image can be read here, so that it need not make the report itself. */
  synchronized boolean judged(Map<?, ?> message) {
    LeakEvidence evidence = LeakEvidence.parse(Message.text(message, Message.EVIDENCE));
    boolean isReadable = evidence.isReadable();
    if (isReadable) {
      executor(message).judged(message);
    } else {
      executor(message).claimed = message;
    }
    return isReadable;
  }

  /** The image of an executor has come. */
  synchronized void imageReceived(String executor) {
    ToldExecutor of = executors.get(executor);
    if (of != null) {
      of.imageReceived();
    }
  }

  /**
   * The executors that Spark has lost before they told their end, and whose images somebody else
   * may be able to send.
   *
   * @param all also those whose images the driver can read
   */
  synchronized ArrayList<HashMap<String, Object>> lost(boolean all) {
    ArrayList<HashMap<String, Object>> lost = new ArrayList<>();
    executors.forEach(
        (id, executor) -> {
          String evidence = executor.evidence();
          if (executor.isSilent()
              && executor.isRemoved()
              && !evidence.isEmpty()
              && images.mayCome(id)
              && (all || !LeakEvidence.parse(evidence).isReadable())) {
            lost.add(Message.lost(id, evidence));
          }
        });
    return lost;
  }

  /**
   * The same, for the answer to an executor. One that tells its end with this message is waited for
   * until it has sent what it can of them, and no longer than that may take.
   */
  synchronized ArrayList<HashMap<String, Object>> lostFor(Map<?, ?> message, boolean all) {
    ArrayList<HashMap<String, Object>> lost = lost(all);
    if (Message.isJudged(message) && !lost.isEmpty()) {
      executor(message).carries();
    }
    return lost;
  }

  /**
   * Reports on the executors that have judged themselves and left the rest to the driver, and looks
   * at what those had live that have told no end.
   *
   * @param deadline for copying images from elsewhere, all of them together
   */
  void readImages(Deadline deadline) {
    Map<String, Map<?, ?>> judged = new TreeMap<>(JobReport::byNumber);
    Map<String, Map<?, ?>> silent = new TreeMap<>(JobReport::byNumber);
    synchronized (this) {
      executors.forEach(
          (id, executor) -> {
            boolean isHere = executor.claimed != null && images.has(id);
            Map<?, ?> told = isHere ? executor.claimed : executor.judged;
            if (told != null && executor.end == null) {
              judged.put(id, told);
            } else if (executor.isSilent() && executor.start != null) {
              silent.put(id, executor.start);
            }
          });
    }
    // It takes long, and messages still come. Copies come first: reports are not in their limit.
    judged.forEach((id, told) -> images.prepare(id, evidenceOf(told), deadline));
    silent.forEach((id, start) -> images.prepare(id, evidenceOf(start), deadline));
    judged.forEach((id, told) -> endedUnlessTold(id, reportOf(id, told, deadline)));
    silent.forEach((id, start) -> leftUnlessTold(id, LeftBehind.of(id, start, images, deadline)));
  }

  private static String evidenceOf(Map<?, ?> told) {
    return Message.text(told, Message.EVIDENCE);
  }

  private synchronized void endedUnlessTold(String executor, Map<?, ?> message) {
    if (executors.get(executor).end == null) {
      ended(message);
    }
  }

  private synchronized void leftUnlessTold(String executor, LeftBehind left) {
    if (executors.get(executor).isSilent()) {
      left(executor, left);
    }
  }

  /** What was live in an executor that has told no end. */
  synchronized void left(String executor, LeftBehind left) {
    executors.get(executor).left = left;
  }

  private Map<?, ?> reportOf(String executor, Map<?, ?> judged, Deadline deadline) {
    try {
      LeakEvidence evidence = images.evidence(executor, evidenceOf(judged), deadline);
      return Message.ended(
          executor,
          evidence.report(LeakCheck.standard()),
          Message.number(judged, Message.TASKS),
          Message.number(judged, Message.MILLIS));
    } catch (IOException | RuntimeException e) {
      return Message.failed(executor, "its image cannot be read: " + e.getMessage());
    }
  }

  /** The executors that are recorded, have started, and have told no end. */
  synchronized List<String> silent() {
    List<String> silent = new ArrayList<>();
    executors.forEach(
        (id, executor) -> {
          if (executor.isSilent()) {
            silent.add(id);
          }
        });
    return silent;
  }

  /** Whether one of them may still tell its end; see {@link ToldExecutor#isAwaited}. */
  synchronized boolean awaits(long began, long limit) {
    return executors.values().stream().anyMatch(executor -> executor.isAwaited(began, limit));
  }

  /** It has sent what it could of them. */
  synchronized void carried(Map<?, ?> message) {
    executor(message).carried();
  }

  /**
   * Whether the image of one is still written where the driver need not read it, or somebody may
   * still send that of a lost one.
   *
   * @param limit for how long images are sent, in nanoseconds
   */
  synchronized boolean awaitsImages(long limit) {
    boolean isElsewhere = images.isElsewhere();
    return isElsewhere && is(executor -> executor.isSending(limit))
        || is(executor -> executor.isCarrying(limit)) && !lost(isElsewhere).isEmpty()
        || images.isAnyUnderWay();
  }

  private boolean is(Predicate<ToldExecutor> so) {
    return executors.values().stream().anyMatch(so);
  }

  synchronized boolean isEmpty() {
    return executors.isEmpty();
  }

  /** Leaks go first: a leak that was seen is there, whatever is missing. */
  synchronized String verdict() {
    if (executors.values().stream().anyMatch(ToldExecutor::fails)) {
      return LEAKS;
    }
    boolean complete =
        !executors.isEmpty() && executors.values().stream().allMatch(ToldExecutor::isComplete);
    return complete ? CLEAN : INCOMPLETE;
  }

  private ToldExecutor executor(Map<?, ?> message) {
    return executors.computeIfAbsent(
        Message.text(message, Message.EXECUTOR), id -> new ToldExecutor());
  }

  private Sum total() {
    Sum total = new Sum();
    executors
        .values()
        .forEach(
            executor ->
                total.add(
                    Message.number(executor.end(), Message.BYTES),
                    Message.number(executor.end(), Message.BLOCKS)));
    return total;
  }

  private String called(TaskName task) {
    String name = stageNames.apply(task.stage);
    return name == null ? "" : name;
  }

  /** The report for people. */
  synchronized String text() {
    List<String> lines = new ArrayList<>();
    lines.add(headline());
    sites.text(lines, this::called);
    executors.forEach(
        (id, executor) -> {
          if (executor.left != null) {
            executor.left.text(lines, who(id, executor), knownOf(executor));
          }
        });
    List<String> notes = notes();
    if (!notes.isEmpty()) {
      lines.add("");
      lines.addAll(notes);
    }
    return String.join("\n", lines);
  }

  private String headline() {
    long told = executors.values().stream().filter(executor -> executor.end != null).count();
    String where =
        told + " of " + Say.count(executors.size(), "executor") + ", " + Say.count(ran(), "task");
    switch (verdict()) {
      case LEAKS:
        Sum total = total();
        int tasks = sites.tasks().size();
        return (total.blocks == 0
                ? "a check failed"
                : total
                    + " leaked at "
                    + Say.count(sites.size(), "site")
                    + " in "
                    + Say.count(tasks, "task")
                    + " of "
                    + Say.count(sites.stages().size(), "stage")
                    + ofQueries(sites.queries().size()))
            + " ("
            + where
            + ")";
      case CLEAN:
        return "no leaks in " + where;
      default:
        return "no leaks were seen, but the record is incomplete: " + where;
    }
  }

  private static String ofQueries(int queries) {
    return queries == 0 ? "" : " and " + queries + (queries == 1 ? " query" : " queries");
  }

  private long ran() {
    return executors.values().stream()
        .mapToLong(executor -> Message.number(executor.end(), Message.TASKS))
        .sum();
  }

  private static String who(String id, ToldExecutor executor) {
    return "executor " + id + executor.where();
  }

  private ToldSites.Known knownOf(ToldExecutor executor) {
    return LeftBehind.known(executor, this::called, sites.places(), held.places());
  }

  private List<String> notes() {
    List<String> notes = new ArrayList<>();
    executors.forEach(
        (id, executor) -> {
          String who = who(id, executor);
          executor.missing().ifPresent(why -> notes.add("incomplete: " + who + " " + why));
          Message.list(executor.found(), Message.INCOMPLETE)
              .forEach(code -> notes.add("incomplete: " + who + ": " + code));
          Message.list(executor.found(), Message.NOTES).stream()
              .filter(note -> !isUsual(note.toString()))
              .forEach(note -> notes.add("note: " + who + ": " + note));
        });
    return notes;
  }

  /** What is held, and what was not tracked: the same of each executor, and in the JSON. */
  private static boolean isUsual(String note) {
    return note.contains(" held") || note.startsWith("not tracked");
  }

  /** The report for programs. */
  synchronized String json() {
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("hackleakSpark", 1);
    root.put("application", application.get());
    root.put("verdict", verdict());
    total().into(root);
    root.put("tasks", ran());
    List<Object> listed = new ArrayList<>();
    executors.forEach((id, executor) -> listed.add(told(id, executor)));
    root.put("executors", listed);
    root.put("stages", sites.toldStages(this::called));
    root.put("queries", sites.toldQueries(this::called));
    root.put("sites", sites.told(this::called));
    root.put("held", held.told(this::called));
    return Json.of(root);
  }

  private Map<String, Object> told(String id, ToldExecutor executor) {
    Map<String, Object> told = executor.told(id);
    images.place(id).ifPresent(place -> told.put("copy", place));
    if (executor.left != null) {
      executor.left.into(told, knownOf(executor));
    }
    return told;
  }
}
