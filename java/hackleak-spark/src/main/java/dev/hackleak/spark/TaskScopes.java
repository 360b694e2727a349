package dev.hackleak.spark;

import dev.hackleak.HackLeak;
import dev.hackleak.LeakScope;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.spark.TaskContext;

/**
 * A scope for each task, on the thread that runs it. When a task has ended Spark no longer says
 * which one it was, so the thread keeps the scope.
 */
final class TaskScopes {
  private final ThreadLocal<LeakScope> open = new ThreadLocal<>();
  private final AtomicLong ended = new AtomicLong();

  void begin(TaskContext task) {
    if (task != null) {
      begin(
          QueryName.of(task::getLocalProperty)
              + TaskName.of(
                  task.stageId(),
                  task.stageAttemptNumber(),
                  task.partitionId(),
                  task.taskAttemptId()));
    }
  }

  void begin(String name) {
    // A task that was killed need not have told its end.
    close();
    open.set(HackLeak.scope(name));
  }

  /** Ends the task of this thread; returns how many have ended by now. */
  long end() {
    return close() ? ended.incrementAndGet() : ended.get();
  }

  long ended() {
    return ended.get();
  }

  private boolean close() {
    LeakScope scope = open.get();
    if (scope == null) {
      return false;
    }
    open.remove();
    scope.close();
    return true;
  }
}
