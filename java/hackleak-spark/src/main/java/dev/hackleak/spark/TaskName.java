package dev.hackleak.spark;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The name of a task's scope: {@code stage 3.0 task 17 TID 41}, and {@code query counts batch 3 }
 * before it if the task is one of a streaming query.
 */
final class TaskName implements Comparable<TaskName> {
  private static final Pattern NAME =
      Pattern.compile(
          "(?:query (.+?)(?: batch (\\d+))? )?stage (\\d+)\\.(\\d+) task (\\d+) TID (\\d+)");

  /** The name or id of the streaming query; empty if it is of none. */
  final String query;

  /** The number of the query's batch; empty if that is not known. */
  final String batch;

  final int stage;
  final int attempt;
  final int task;
  final long tid;

  private TaskName(String query, String batch, int stage, int attempt, int task, long tid) {
    this.query = query == null ? "" : query;
    this.batch = batch == null ? "" : batch;
    this.stage = stage;
    this.attempt = attempt;
    this.task = task;
    this.tid = tid;
  }

  static String of(int stage, int attempt, int task, long tid) {
    return "stage " + stage + "." + attempt + " task " + task + " TID " + tid;
  }

  /** The task of a scope; empty for a scope of somebody else's. */
  static Optional<TaskName> parse(String scope) {
    Matcher found = NAME.matcher(scope);
    try {
      return found.matches()
          ? Optional.of(
              new TaskName(
                  found.group(1),
                  found.group(2),
                  Integer.parseInt(found.group(3)),
                  Integer.parseInt(found.group(4)),
                  Integer.parseInt(found.group(5)),
                  Long.parseLong(found.group(6))))
          : Optional.empty();
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  /** The stage and its attempt, as Spark's pages write it. */
  String stageName() {
    return stage + "." + attempt;
  }

  /** What it is shown with: its query, whose stages are many and alike, or its stage. */
  String group() {
    return query.isEmpty() ? "stage " + stageName() : "query " + query;
  }

  /** What tells it from the others of its {@link #group}. */
  String inGroup() {
    String batchName = batch.isEmpty() ? "" : "batch " + batch + " ";
    String stage = query.isEmpty() ? "" : batchName + "stage " + stageName() + " ";
    return stage + "task " + task + " TID " + tid;
  }

  /** For programs. */
  Map<String, Object> told() {
    Map<String, Object> told = new LinkedHashMap<>();
    if (!query.isEmpty()) {
      told.put("query", query);
      told.put("batch", batch);
    }
    told.put("stage", stageName());
    told.put("task", task);
    told.put("tid", tid);
    return told;
  }

  @Override
  public int compareTo(TaskName other) {
    int byStage = Integer.compare(stage, other.stage);
    int byAttempt = byStage != 0 ? byStage : Integer.compare(attempt, other.attempt);
    return byAttempt != 0 ? byAttempt : Long.compare(tid, other.tid);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TaskName && compareTo((TaskName) other) == 0;
  }

  @Override
  public int hashCode() {
    return Objects.hash(stage, attempt, tid);
  }

  @Override
  public String toString() {
    return group().equals("stage " + stageName())
        ? of(stage, attempt, task, tid)
        : group() + " " + inGroup();
  }
}
