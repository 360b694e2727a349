package dev.hackleak.spark;

import dev.hackleak.Checkpoint;
import dev.hackleak.HackLeak;
import dev.hackleak.LeakCheck;
import dev.hackleak.LeakEvidence;
import dev.hackleak.LeakReport;
import java.time.Duration;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.spark.TaskContext;
import org.apache.spark.TaskFailedReason;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.PluginContext;

/** The part in each executor. Whatever goes wrong here, the job goes on. */
final class HackLeakExecutor implements ExecutorPlugin {
  /** A cluster's own patience with an executor that it has told to stop. */
  private static final long LONGEST_END_SECONDS = 20;

  private final TaskScopes scopes = new TaskScopes();
  private final AtomicBoolean begun = new AtomicBoolean();
  private final CountDownLatch ended = new CountDownLatch(1);
  private PluginContext context;
  private Duration settleLimit;
  private long warmupTasks;
  private boolean recorded;
  private ImageSender images;
  private List<?> lost = Collections.emptyList();
  private volatile Checkpoint since;

  @Override
  public void init(PluginContext pluginContext, Map<String, String> extraConf) {
    init(pluginContext, Conf.of(pluginContext.conf()));
  }

  void init(PluginContext pluginContext, Conf conf) {
    context = pluginContext;
    try {
      settleLimit = Duration.ofMillis(Setting.SETTLE_LIMIT_MILLIS.number(conf));
      warmupTasks = Setting.WARMUP_TASKS.number(conf);
      images = new ImageSender(context, conf);
      recorded = HackLeak.isActive();
      String reason = recorded ? null : HackLeak.inactiveReason().orElse("unknown");
      if (recorded) {
        warmUp();
        since = HackLeak.checkpoint("the start of executor " + context.executorID());
        Runtime.getRuntime().addShutdownHook(new Thread(this::end, "hackleak-executor"));
      } else {
        Say.line(
            "executor "
                + context.executorID()
                + " is not recorded: "
                + reason
                + "; its tasks run as without HackLeak");
      }
      Object answer = context.ask(Message.started(context.executorID(), since, reason));
      images.sendLostMeanwhile(Message.list(Message.answered(answer), Message.LOST));
    } catch (Exception | LinkageError e) {
      Say.line("executor " + context.executorID() + " cannot be checked: " + e);
    }
  }

  /**
   * Looks once before the first task: that loads what the look at the end needs, so that it takes
   * less of the time that a cluster grants.
   */
  private void warmUp() {
    Checkpoint before = HackLeak.checkpoint("the warm-up of executor " + context.executorID());
    LeakEvidence.gather(before, LeakCheck.standard().settling(true).settleLimit(Duration.ZERO));
  }

  @Override
  public void onTaskStart() {
    if (recorded) {
      scopes.begin(TaskContext.get());
    }
  }

  void taskStarted(String name) {
    scopes.begin(name);
  }

  @Override
  public void onTaskSucceeded() {
    taskEnded();
  }

  @Override
  public void onTaskFailed(TaskFailedReason failureReason) {
    taskEnded();
  }

  private void taskEnded() {
    if (recorded && scopes.end() == warmupTasks && warmupTasks > 0) {
      since = HackLeak.checkpoint("the end of the warm-up of executor " + context.executorID());
      tellStart();
    }
  }

  /** Tells the driver from when on it counts now. */
  private void tellStart() {
    try {
      context.send(Message.started(context.executorID(), since, null));
    } catch (Exception e) {
      // Only for an executor that is killed it matters: then what the warm-up left counts as well.
      Say.line("executor " + context.executorID() + " cannot tell that it is warm: " + e);
    }
  }

  @Override
  public void shutdown() {
    if (recorded) {
      end();
    } else if (images != null) {
      images.close();
    }
  }

  /**
   * Looks for leaks and tells the driver, once. A cluster may end the process while Spark's own
   * thread still waits for something else, so a hook of the JVM does it as well; whoever comes
   * second waits, and with that keeps Spark's messages and the JVM alive.
   */
  private void end() {
    if (begun.compareAndSet(false, true)) {
      try {
        tell();
      } finally {
        ended.countDown();
      }
      return;
    }
    try {
      if (!ended.await(LONGEST_END_SECONDS, TimeUnit.SECONDS)) {
        Say.line("executor " + context.executorID() + " ends before its check has ended");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void tell() {
    try {
      HashMap<String, Object> summary = summary();
      if (summary != null) {
        context.ask(summary);
      }
      if (!lost.isEmpty()) {
        images.sendLost(lost);
        context.ask(Message.carried(context.executorID()));
      }
    } catch (Exception | LinkageError e) {
      Say.line(
          "executor "
              + context.executorID()
              + " cannot tell the driver what it found: "
              + e
              + "; its image tells it: "
              + HackLeak.image().map(Object::toString).orElse("none"));
    } finally {
      images.close();
    }
  }

  /** What is left to tell, or null if the driver knows enough. */
  private HashMap<String, Object> summary() {
    try {
      LeakCheck check = LeakCheck.ofTests().settleLimit(settleLimit);
      long began = System.nanoTime();
      LeakEvidence evidence = LeakEvidence.gather(since, check).orElse(null);
      if (isTaken(evidence, began)) {
        return null;
      }
      LeakReport report = HackLeak.leaksSince(since, check);
      long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
      return Message.ended(context.executorID(), report, scopes.ended(), millis);
    } catch (RuntimeException | LinkageError e) {
      return Message.failed(context.executorID(), "the check failed: " + e);
    }
  }

  /**
   * Whether the driver makes the report, for which this process is needed no more. If the driver
   * cannot read the image where it is, it gets it now: then nothing is lost if this process is
   * killed while it makes the report.
   *
   * @param evidence null if it cannot be told who holds what
   */
  private boolean isTaken(LeakEvidence evidence, long began) {
    String answer = "";
    if (evidence != null) {
      try {
        long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
        String executor = context.executorID();
        Map<?, ?> answered =
            Message.answered(
                context.ask(Message.judged(executor, evidence, scopes.ended(), millis)));
        answer = Message.text(answered, Message.ANSWER);
        lost = Message.list(answered, Message.LOST);
      } catch (Exception e) {
        answer = "";
      }
    }
    if (images.isElsewhere() || answer.equals(HackLeakDriver.SEND)) {
      Optional.ofNullable(evidence)
          .map(Optional::of)
          .orElseGet(() -> LeakEvidence.unjudged(since))
          .ifPresent(images::send);
    }
    return answer.equals(HackLeakDriver.TAKEN);
  }
}
