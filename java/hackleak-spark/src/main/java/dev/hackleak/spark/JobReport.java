package dev.hackleak.spark;

import dev.hackleak.LeakCheck;
import dev.hackleak.LeakEvidence;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/** What all executors of an application have found, by stage and task. */
final class JobReport {
  static final String CLEAN = "clean";
  static final String LEAKS = "leaks";
  static final String INCOMPLETE = "incomplete";

  /** What the text shows of many; the JSON has all. */
  private static final int SHOWN_TASKS = 10;

  private static final int SHOWN_SITES = 10;
  private static final int SHOWN_FRAMES = 16;

  private final String application;
  private final Function<Integer, String> stageNames;
  private final Map<String, ToldExecutor> executors = new TreeMap<>(JobReport::byNumber);
  private final Map<String, ToldSite> sites = new LinkedHashMap<>();
  private final Map<String, ToldSite> held = new LinkedHashMap<>();

  /**
   * @param stageNames what Spark calls a stage, or empty where it does not know
   */
  JobReport(String application, Function<Integer, String> stageNames) {
    this.application = application;
    this.stageNames = stageNames;
  }

  private static int byNumber(String one, String other) {
    int byLength = Integer.compare(one.length(), other.length());
    return byLength != 0 ? byLength : one.compareTo(other);
  }

  synchronized void started(Map<?, ?> message) {
    executor(message).start = message;
  }

  synchronized void ended(Map<?, ?> message) {
    executor(message).end = message;
    add(Message.list(message, Message.SITES), sites);
    add(Message.list(message, Message.HELD), held);
  }

  /** Whether the executor's image can be read here, so that it need not make the report itself. */
  synchronized boolean judged(Map<?, ?> message) {
    LeakEvidence evidence = LeakEvidence.parse(Message.text(message, Message.EVIDENCE));
    if (!evidence.isReadable()) {
      return false;
    }
    executor(message).judged = message;
    return true;
  }

  /** Reports on the executors that have judged themselves and left the rest to the driver. */
  synchronized void readImages() {
    for (Map.Entry<String, ToldExecutor> executor : executors.entrySet()) {
      Map<?, ?> judged = executor.getValue().judged;
      if (judged != null && executor.getValue().end == null) {
        ended(reportOf(executor.getKey(), judged));
      }
    }
  }

  private static Map<?, ?> reportOf(String executor, Map<?, ?> judged) {
    try {
      LeakEvidence evidence = LeakEvidence.parse(Message.text(judged, Message.EVIDENCE));
      return Message.ended(
          executor,
          evidence.report(LeakCheck.standard()),
          Message.number(judged, Message.TASKS),
          Message.number(judged, Message.MILLIS));
    } catch (RuntimeException e) {
      return Message.failed(executor, "its image cannot be read: " + e.getMessage());
    }
  }

  private static void add(List<?> told, Map<String, ToldSite> to) {
    for (Object one : told) {
      if (one instanceof Map) {
        Map<?, ?> site = (Map<?, ?>) one;
        to.computeIfAbsent(ToldSite.identity(site), identity -> new ToldSite(site)).add(site);
      }
    }
  }

  /** The executors that are recorded, have started, and have not told their end yet. */
  synchronized List<String> awaited() {
    List<String> awaited = new ArrayList<>();
    executors.forEach(
        (id, executor) -> {
          if (executor.isRecorded() && executor.end == null && executor.judged == null) {
            awaited.add(id);
          }
        });
    return awaited;
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

  private Map<TaskName, Sum> tasks(Collection<ToldSite> of) {
    Map<TaskName, Sum> tasks = new TreeMap<>();
    of.forEach(
        site ->
            site.tasks.forEach(
                (task, sum) -> tasks.computeIfAbsent(task, any -> new Sum()).add(sum)));
    return tasks;
  }

  /** The stages in which something leaked, in the order in which they ran, with their tasks. */
  private Map<String, Map<TaskName, Sum>> stages() {
    Map<String, Map<TaskName, Sum>> stages = new LinkedHashMap<>();
    tasks(sites.values())
        .forEach(
            (task, sum) ->
                stages.computeIfAbsent(task.stageName(), any -> new TreeMap<>()).put(task, sum));
    return stages;
  }

  private String called(TaskName task) {
    String name = stageNames.apply(task.stage);
    return name == null ? "" : name;
  }

  /** The report for people. */
  synchronized String text() {
    List<String> lines = new ArrayList<>();
    lines.add(headline());
    for (Map.Entry<String, Map<TaskName, Sum>> stage : stages().entrySet()) {
      lines.add("");
      stage(lines, stage.getKey(), stage.getValue());
    }
    List<ToldSite> outside = new ArrayList<>();
    sites.values().stream().filter(site -> site.outside().blocks > 0).forEach(outside::add);
    if (!outside.isEmpty()) {
      Sum sum = new Sum();
      outside.forEach(site -> sum.add(site.outside()));
      lines.add("");
      lines.add("outside of tasks: " + sum);
      listed(lines, outside, ToldSite::outside);
    }
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
        int tasks = tasks(sites.values()).size();
        return (total.blocks == 0
                ? "a check failed"
                : total
                    + " leaked at "
                    + Say.count(sites.size(), "site")
                    + " in "
                    + Say.count(tasks, "task")
                    + " of "
                    + Say.count(stages().size(), "stage"))
            + " ("
            + where
            + ")";
      case CLEAN:
        return "no leaks in " + where;
      default:
        return "no leaks were seen, but the record is incomplete: " + where;
    }
  }

  private long ran() {
    return executors.values().stream()
        .mapToLong(executor -> Message.number(executor.end(), Message.TASKS))
        .sum();
  }

  private void stage(List<String> lines, String stage, Map<TaskName, Sum> tasks) {
    Sum sum = new Sum();
    tasks.values().forEach(sum::add);
    String name = called(tasks.keySet().iterator().next());
    lines.add(
        "stage "
            + stage
            + (name.isEmpty() ? "" : " (" + name + ")")
            + ": "
            + sum
            + " in "
            + Say.count(tasks.size(), "task"));
    List<Map.Entry<TaskName, Sum>> most = new ArrayList<>(tasks.entrySet());
    most.sort((one, other) -> Long.compare(other.getValue().bytes, one.getValue().bytes));
    for (Map.Entry<TaskName, Sum> task : most.subList(0, Math.min(SHOWN_TASKS, most.size()))) {
      lines.add(
          "  task " + task.getKey().task + " TID " + task.getKey().tid + ": " + task.getValue());
    }
    if (most.size() > SHOWN_TASKS) {
      lines.add("  … and " + Say.count(most.size() - SHOWN_TASKS, "more task"));
    }
    List<ToldSite> here = new ArrayList<>();
    sites.values().stream().filter(site -> site.in(stage).blocks > 0).forEach(here::add);
    listed(lines, here, site -> site.in(stage));
  }

  private static void listed(
      List<String> lines, List<ToldSite> sites, Function<ToldSite, Sum> part) {
    sites.sort((one, other) -> Long.compare(part.apply(other).bytes, part.apply(one).bytes));
    int number = 0;
    for (ToldSite site : sites) {
      number++;
      if (number > SHOWN_SITES) {
        lines.add("  … and " + Say.count(sites.size() - SHOWN_SITES, "more site"));
        break;
      }
      lines.add("  " + number + ") " + part.apply(site) + ", " + site.kind + site.judged());
      int shown = Math.min(SHOWN_FRAMES, site.stack.size());
      site.stack.subList(0, shown).forEach(frame -> lines.add("      " + frame));
      if (site.stack.size() > shown) {
        lines.add("      … " + Say.count(site.stack.size() - shown, "more frame"));
      }
    }
  }

  private List<String> notes() {
    List<String> notes = new ArrayList<>();
    executors.forEach(
        (id, executor) -> {
          String who = "executor " + id + executor.where();
          executor.missing().ifPresent(why -> notes.add("incomplete: " + who + " " + why));
          Message.list(executor.end(), Message.INCOMPLETE)
              .forEach(code -> notes.add("incomplete: " + who + ": " + code));
          Message.list(executor.end(), Message.NOTES).stream()
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
    root.put("application", application);
    root.put("verdict", verdict());
    total().into(root);
    root.put("tasks", ran());
    List<Object> listed = new ArrayList<>();
    executors.forEach((id, executor) -> listed.add(executor.told(id)));
    root.put("executors", listed);
    List<Object> stages = new ArrayList<>();
    stages().forEach((stage, tasks) -> stages.add(told(stage, tasks)));
    root.put("stages", stages);
    root.put("sites", told(sites));
    root.put("held", told(held));
    return Json.of(root);
  }

  private static List<Object> told(Map<String, ToldSite> sites) {
    List<Object> told = new ArrayList<>();
    sites.values().forEach(site -> told.add(site.told()));
    return told;
  }

  private Map<String, Object> told(String stage, Map<TaskName, Sum> tasks) {
    Map<String, Object> told = new LinkedHashMap<>();
    told.put("stage", stage);
    told.put("name", called(tasks.keySet().iterator().next()));
    Sum sum = new Sum();
    tasks.values().forEach(sum::add);
    sum.into(told);
    List<Object> each = new ArrayList<>();
    tasks.forEach((task, ofTask) -> each.add(ToldSite.told(task, ofTask)));
    told.put("tasks", each);
    return told;
  }
}
