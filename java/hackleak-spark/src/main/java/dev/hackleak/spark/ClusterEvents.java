package dev.hackleak.spark;

import org.apache.spark.ExecutorLostFailure;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorRemoved;
import org.apache.spark.scheduler.SparkListenerTaskEnd;

/** What Spark tells the driver of executors that can no longer tell it themselves. */
final class ClusterEvents extends SparkListener {
  private final JobReport report;

  ClusterEvents(JobReport report) {
    this.report = report;
  }

  @Override
  public void onExecutorRemoved(SparkListenerExecutorRemoved removed) {
    report.removed(removed.executorId(), removed.reason());
  }

  @Override
  public void onTaskEnd(SparkListenerTaskEnd task) {
    // A task that went down with its executor has no end of its own.
    if (!(task.reason() instanceof ExecutorLostFailure)) {
      report.taskEnded(task.taskInfo().executorId(), task.taskInfo().taskId());
    }
  }
}
