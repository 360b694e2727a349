package dev.hackleak.spark;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Sites of one executor or of all, by stage and task. */
final class ToldSites {
  /** What the text shows of many; the JSON has all. */
  private static final int SHOWN_TASKS = 10;

  private static final int SHOWN_SITES = 10;
  private static final int SHOWN_FRAMES = 16;

  private final Map<String, ToldSite> sites = new LinkedHashMap<>();

  /** What is known of stages, tasks and sites besides their blocks. */
  interface Known {
    /** What Spark calls the task's stage, or empty. */
    String stage(TaskName task);

    /** What is said after the blocks of a task. */
    default String ofTask(TaskName task) {
      return "";
    }

    /** What is said after the blocks of a site. */
    default String ofSite(ToldSite site) {
      return site.judged();
    }

    /** What is shown first has a lower one; by bytes where it is the same. */
    default int rank(ToldSite site) {
      return 0;
    }

    /** How many sites of a stage the text shows; the JSON has all. */
    default int shownSites() {
      return SHOWN_SITES;
    }

    /** A task in the JSON, before its blocks. */
    default Map<String, Object> told(TaskName task) {
      return task.told();
    }

    /** A site in the JSON. */
    default Map<String, Object> told(ToldSite site) {
      return site.told(this::told);
    }
  }

  void add(List<?> told) {
    for (Object one : told) {
      if (one instanceof Map) {
        Map<?, ?> site = (Map<?, ?>) one;
        sites.computeIfAbsent(ToldSite.identity(site), identity -> new ToldSite(site)).add(site);
      }
    }
  }

  int size() {
    return sites.size();
  }

  /** Where in the code they are. */
  Set<String> places() {
    return sites.values().stream().map(ToldSite::place).collect(Collectors.toSet());
  }

  Map<TaskName, Sum> tasks() {
    Map<TaskName, Sum> tasks = new TreeMap<>();
    sites
        .values()
        .forEach(
            site ->
                site.tasks.forEach(
                    (task, sum) -> tasks.computeIfAbsent(task, any -> new Sum()).add(sum)));
    return tasks;
  }

  /** The stages with blocks, in the order in which they ran, with their tasks. */
  Map<String, Map<TaskName, Sum>> stages() {
    return by(TaskName::stageName);
  }

  /** The streaming queries with blocks, with their tasks. */
  Map<String, Map<TaskName, Sum>> queries() {
    Map<String, Map<TaskName, Sum>> queries = by(task -> task.query);
    queries.remove("");
    return queries;
  }

  private Map<String, Map<TaskName, Sum>> by(Function<TaskName, String> name) {
    Map<String, Map<TaskName, Sum>> groups = new LinkedHashMap<>();
    tasks()
        .forEach(
            (task, sum) ->
                groups.computeIfAbsent(name.apply(task), any -> new TreeMap<>()).put(task, sum));
    return groups;
  }

  /** What no task has allocated. */
  Sum outside() {
    Sum sum = new Sum();
    sites.values().forEach(site -> sum.add(site.outside()));
    return sum;
  }

  /** For people: each stage or query after an empty line, and then what is outside of tasks. */
  void text(List<String> lines, Known known) {
    by(TaskName::group)
        .forEach(
            (group, tasks) -> {
              lines.add("");
              group(lines, group, tasks, known);
            });
    List<ToldSite> outside = new ArrayList<>();
    sites.values().stream().filter(site -> site.outside().blocks > 0).forEach(outside::add);
    if (!outside.isEmpty()) {
      lines.add("");
      lines.add("outside of tasks: " + outside());
      listed(lines, outside, ToldSite::outside, known);
    }
  }

  private void group(List<String> lines, String group, Map<TaskName, Sum> tasks, Known known) {
    Sum sum = new Sum();
    tasks.values().forEach(sum::add);
    TaskName first = tasks.keySet().iterator().next();
    String name = first.query.isEmpty() ? known.stage(first) : "";
    long batches = tasks.keySet().stream().map(task -> task.batch).distinct().count();
    lines.add(
        group
            + (name.isEmpty() ? "" : " (" + name + ")")
            + ": "
            + sum
            + " in "
            + Say.count(tasks.size(), "task")
            + (first.query.isEmpty()
                ? ""
                : " of " + batches + (batches == 1 ? " batch" : " batches")));
    List<Map.Entry<TaskName, Sum>> most = new ArrayList<>(tasks.entrySet());
    most.sort((one, other) -> Long.compare(other.getValue().bytes, one.getValue().bytes));
    for (Map.Entry<TaskName, Sum> entry : most.subList(0, Math.min(SHOWN_TASKS, most.size()))) {
      TaskName task = entry.getKey();
      String marked = entry.getValue() + known.ofTask(task);
      lines.add("  " + task.inGroup() + ": " + marked);
    }
    if (most.size() > SHOWN_TASKS) {
      lines.add("  … and " + Say.count(most.size() - SHOWN_TASKS, "more task"));
    }
    List<ToldSite> here = new ArrayList<>();
    sites.values().stream().filter(site -> site.in(group).blocks > 0).forEach(here::add);
    listed(lines, here, site -> site.in(group), known);
  }

  private static void listed(
      List<String> lines, List<ToldSite> sites, Function<ToldSite, Sum> part, Known known) {
    Comparator<ToldSite> largest =
        (one, other) -> Long.compare(part.apply(other).bytes, part.apply(one).bytes);
    sites.sort(Comparator.<ToldSite>comparingInt(known::rank).thenComparing(largest));
    int most = known.shownSites();
    int number = 0;
    for (ToldSite site : sites) {
      number++;
      if (number > most) {
        lines.add("  … and " + Say.count(sites.size() - most, "more site"));
        break;
      }
      lines.add("  " + number + ") " + part.apply(site) + ", " + site.kind + known.ofSite(site));
      int shown = Math.min(SHOWN_FRAMES, site.stack.size());
      site.stack.subList(0, shown).forEach(frame -> lines.add("      " + frame));
      if (site.stack.size() > shown) {
        lines.add("      … " + Say.count(site.stack.size() - shown, "more frame"));
      }
    }
  }

  /** The sites for programs. */
  List<Object> told(Known known) {
    List<Object> told = new ArrayList<>();
    sites.values().forEach(site -> told.add(known.told(site)));
    return told;
  }

  /** The stages for programs. */
  List<Object> toldStages(Known known) {
    List<Object> told = new ArrayList<>();
    stages().forEach((stage, tasks) -> told.add(told(stage, tasks, known)));
    return told;
  }

  /** The streaming queries for programs. */
  List<Object> toldQueries(Known known) {
    List<Object> told = new ArrayList<>();
    queries()
        .forEach(
            (query, tasks) -> {
              Map<String, Object> one = new LinkedHashMap<>();
              one.put("query", query);
              tasks(one, tasks, known);
              told.add(one);
            });
    return told;
  }

  private static Map<String, Object> told(String stage, Map<TaskName, Sum> tasks, Known known) {
    Map<String, Object> told = new LinkedHashMap<>();
    told.put("stage", stage);
    told.put("name", known.stage(tasks.keySet().iterator().next()));
    tasks(told, tasks, known);
    return told;
  }

  private static void tasks(Map<String, Object> told, Map<TaskName, Sum> tasks, Known known) {
    Sum sum = new Sum();
    List<Object> each = new ArrayList<>();
    tasks.forEach(
        (task, ofTask) -> {
          sum.add(ofTask);
          Map<String, Object> one = known.told(task);
          ofTask.into(one);
          each.add(one);
        });
    sum.into(told);
    told.put("tasks", each);
  }
}
