package dev.hackleak.spark;

import dev.hackleak.HackLeak;
import java.util.Collections;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkStageInfo;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.PluginContext;

/** The part in the driver: it has the executors recorded, and merges what they have found. */
final class HackLeakDriver implements DriverPlugin {
  /** The answer to an executor of which the driver makes the report itself. */
  static final String TAKEN = "taken";

  /** The answer to an executor whose image the driver cannot read. */
  static final String SEND = "send";

  private static final int LEAKS = 23;

  /** How often it is looked whether an executor that is waited for has gone. */
  private static final long LOOK_MILLIS = 200;

  private SparkContext spark;
  private Conf conf;
  private JobReport report;
  private FailingEnd end;
  private ReportFolder folder;
  private ReceivedImages images;

  @Override
  public Map<String, String> init(SparkContext sparkContext, PluginContext context) {
    spark = sparkContext;
    conf = Conf.of(context.conf());
    Setting.validate(conf);
    folder = ReportFolder.of(conf);
    long most = Setting.MAX_IMAGE_BYTES.number(conf);
    long sending = Setting.SEND_LIMIT_MILLIS.number(conf);
    images =
        new ReceivedImages(spark::applicationId, folder.local(), folder::elsewhere, most, sending);
    report = new JobReport(spark::applicationId, this::stageName, images);
    if (Setting.FAIL_ON_LEAKS.isTrue(conf)) {
      end = FailingEnd.prepare(LEAKS);
    }
    if (spark.isLocal()) {
      if (!HackLeak.isActive()) {
        Say.line(
            "in local mode the driver runs the tasks, and it is not recorded: "
                + HackLeak.inactiveReason().orElse("unknown")
                + "; start the job with `hackleak spark-submit`, or set LD_PRELOAD to"
                + " libhackleak.so for spark-submit");
      }
    } else {
      new ExecutorEnvironment(spark, conf).prepare();
      spark.addSparkListener(new ClusterEvents(report));
    }
    return Collections.emptyMap();
  }

  @Override
  public Object receive(Object message) {
    Object answer = "";
    if (message instanceof Map) {
      answer = answer((Map<?, ?>) message);
      synchronized (this) {
        notifyAll();
      }
    }
    return answer;
  }

  private Object answer(Map<?, ?> told) {
    if (Message.isOfImage(told)) {
      String refused = images.receive(told);
      String executor = Message.text(told, Message.EXECUTOR);
      if (images.has(executor)) {
        report.imageReceived(executor);
      }
      return refused;
    }
    String answer = "";
    if (Message.isStarted(told)) {
      report.started(told);
    } else if (Message.isEnded(told)) {
      report.ended(told);
      return answer;
    } else if (Message.isCarried(told)) {
      report.carried(told);
      return answer;
    } else if (Message.isJudged(told)) {
      answer = report.judged(told) ? TAKEN : SEND;
    }
    return Message.answer(answer, report.lostFor(told, folder.elsewhere() != null));
  }

  @Override
  public void shutdown() {
    if (report == null) {
      return;
    }
    awaitSummaries();
    report.readImages(Deadline.of(Setting.WAIT_MILLIS, conf));
    if (report.isEmpty()) {
      Say.line("no executor has started, so nothing is known of leaks");
    }
    String verdict = report.verdict();
    String text = report.text();
    images.forget();
    String where = folder.write("spark-" + spark.applicationId(), text, report.json());
    folder.close();
    Say.line(text + where);
    if (end != null && verdict.equals(JobReport.LEAKS)) {
      end.fail();
    }
  }

  /**
   * Executors have been told to stop by now, or were lost before; messages come on another thread.
   */
  private void awaitSummaries() {
    long limit = TimeUnit.MILLISECONDS.toNanos(Setting.WAIT_MILLIS.number(conf));
    long sending = TimeUnit.MILLISECONDS.toNanos(Setting.SEND_LIMIT_MILLIS.number(conf));
    long began = System.nanoTime();
    try {
      synchronized (this) {
        while (report.awaits(began, limit) || report.awaitsImages(sending)) {
          wait(LOOK_MILLIS);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** What Spark's pages call the stage; empty where it is forgotten. */
  private String stageName(int stage) {
    try {
      SparkStageInfo info =
          JavaSparkContext.fromSparkContext(spark).statusTracker().getStageInfo(stage);
      return info == null ? "" : info.name();
    } catch (RuntimeException | LinkageError e) {
      return "";
    }
  }
}
