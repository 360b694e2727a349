package dev.hackleak.spark;

import dev.hackleak.Checkpoint;
import dev.hackleak.HackLeak;
import dev.hackleak.LeakCheck;
import dev.hackleak.LeakEvidence;
import dev.hackleak.LeakReport;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.spark.TaskContext;
import org.apache.spark.TaskFailedReason;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.PluginContext;

/** The part in each executor. Whatever goes wrong here, the job goes on. */
final class HackLeakExecutor implements ExecutorPlugin {
  /** A cluster's own patience with an executor that it has told to stop. */
  private static final long LONGEST_END_SECONDS = 20;

  /** SIGTERM may come before Spark's own thread has got as far as to call the plugin. */
  private static final long LONGEST_BEGIN_SECONDS = 5;

  private final TaskScopes scopes = new TaskScopes();
  private final CountDownLatch ending = new CountDownLatch(1);
  private final CountDownLatch ended = new CountDownLatch(1);
  private PluginContext context;
  private Duration settleLimit;
  private long warmupTasks;
  private boolean recorded;
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
      recorded = HackLeak.isActive();
      String reason = recorded ? null : HackLeak.inactiveReason().orElse("unknown");
      if (recorded) {
        warmUp();
        since = HackLeak.checkpoint("the start of executor " + context.executorID());
        Runtime.getRuntime().addShutdownHook(new Thread(this::awaitEnd, "hackleak-executor"));
      } else {
        Say.line(
            "executor "
                + context.executorID()
                + " is not recorded: "
                + reason
                + "; its tasks run as without HackLeak");
      }
      context.ask(Message.started(context.executorID(), reason));
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
    }
  }

  @Override
  public void shutdown() {
    if (!recorded) {
      return;
    }
    ending.countDown();
    try {
      HashMap<String, Object> summary = summary();
      if (summary != null) {
        context.ask(summary);
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
      ended.countDown();
    }
  }

  /** What is left to tell, or null if the driver knows enough. */
  private HashMap<String, Object> summary() {
    try {
      LeakCheck check = LeakCheck.ofTests().settleLimit(settleLimit);
      long began = System.nanoTime();
      LeakEvidence evidence = LeakEvidence.gather(since, check).orElse(null);
      if (evidence != null && isTaken(evidence, began)) {
        return null;
      }
      LeakReport report = HackLeak.leaksSince(since, check);
      long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
      return Message.ended(context.executorID(), report, scopes.ended(), millis);
    } catch (RuntimeException | LinkageError e) {
      return Message.failed(context.executorID(), "the check failed: " + e);
    }
  }

  /** Whether the driver makes the report, for which this process is needed no more. */
  private boolean isTaken(LeakEvidence evidence, long began) {
    try {
      long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
      String executor = context.executorID();
      Object answer = context.ask(Message.judged(executor, evidence, scopes.ended(), millis));
      return HackLeakDriver.TAKEN.equals(answer);
    } catch (Exception e) {
      return false;
    }
  }

  /** A cluster ends the process while it still settles; the JVM waits for its hooks. */
  private void awaitEnd() {
    try {
      if (ending.await(LONGEST_BEGIN_SECONDS, TimeUnit.SECONDS)
          && !ended.await(LONGEST_END_SECONDS, TimeUnit.SECONDS)) {
        Say.line("executor " + context.executorID() + " ends before its check has ended");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
