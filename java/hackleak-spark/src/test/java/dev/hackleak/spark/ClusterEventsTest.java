package dev.hackleak.spark;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Collections;
import java.util.Map;
import org.apache.spark.ExecutorLostFailure;
import org.apache.spark.Success$;
import org.apache.spark.TaskEndReason;
import org.apache.spark.TaskResultLost$;
import org.apache.spark.scheduler.SparkListenerExecutorRemoved;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.scheduler.TaskInfo;
import org.apache.spark.scheduler.TaskLocality;
import org.junit.jupiter.api.Test;
import scala.Option;

class ClusterEventsTest {
  private final JobReport report =
      new JobReport(
          () -> "app-1", stage -> "", new ReceivedImages(() -> "app-1", null, () -> null, 0, 0));
  private final ClusterEvents events = new ClusterEvents(report);

  private void taskEnds(long tid, String executor, TaskEndReason reason) {
    TaskInfo task =
        new TaskInfo(tid, (int) tid, 0, (int) tid, 0, executor, "node", TaskLocality.ANY(), false);
    events.onTaskEnd(new SparkListenerTaskEnd(0, 0, "ResultTask", reason, task, null, null));
  }

  @Test
  void aTaskThatWentDownWithItsExecutorHadNotEnded() {
    Map<String, Object> start = Message.failed("1", "");
    start.remove(Message.REASON);
    report.started(start);
    taskEnds(10, "1", Success$.MODULE$);
    taskEnds(11, "1", new ExecutorLostFailure("1", true, Option.empty()));
    taskEnds(12, "1", TaskResultLost$.MODULE$);
    taskEnds(13, "of nobody", Success$.MODULE$);
    events.onExecutorRemoved(new SparkListenerExecutorRemoved(7, "1", "it was killed by 9 "));
    events.onExecutorRemoved(new SparkListenerExecutorRemoved(7, "2", "never started"));
    Map<String, Object> site = Fakes.site("f", 3, 3);
    for (int tid = 10; tid < 13; tid++) {
      Fakes.share(site, TaskName.of(0, 0, tid, tid), 1, 1);
    }
    Map<String, Object> found = Message.failed("1", "");
    found.remove(Message.REASON);
    found.put(Message.BLOCKS, 3L);
    found.put(Message.SITES, Collections.singletonList(site));
    report.left("1", new LeftBehind(found));

    String text = report.text();
    assertTrue(text.contains("task 10 TID 10: 1 byte in 1 block, had ended"), text);
    assertTrue(text.contains("task 11 TID 11: 1 byte in 1 block, was running"), text);
    assertTrue(text.contains("task 12 TID 12: 1 byte in 1 block, had ended"), text);
    assertTrue(text.contains("before it told its end (it was killed by 9)"), text);
    assertTrue(text.contains("0 of 1 executor"), text);
  }
}
