package dev.hackleak.spark;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The name of a task's scope: {@code stage 3.0 task 17 TID 41}. */
final class TaskName implements Comparable<TaskName> {
  private static final Pattern NAME =
      Pattern.compile("stage (\\d+)\\.(\\d+) task (\\d+) TID (\\d+)");

  final int stage;
  final int attempt;
  final int task;
  final long tid;

  private TaskName(int stage, int attempt, int task, long tid) {
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
                  Integer.parseInt(found.group(1)),
                  Integer.parseInt(found.group(2)),
                  Integer.parseInt(found.group(3)),
                  Long.parseLong(found.group(4))))
          : Optional.empty();
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  /** The stage and its attempt, as Spark's pages write it. */
  String stageName() {
    return stage + "." + attempt;
  }

  /** For programs. */
  Map<String, Object> told() {
    Map<String, Object> told = new LinkedHashMap<>();
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
    return of(stage, attempt, task, tid);
  }
}
