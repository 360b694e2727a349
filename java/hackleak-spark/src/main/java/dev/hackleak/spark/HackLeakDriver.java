package dev.hackleak.spark;

import dev.hackleak.HackLeak;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
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

  private static final int LEAKS = 23;

  /** How often it is looked whether an executor that is waited for has gone. */
  private static final long LOOK_MILLIS = 200;

  private SparkContext spark;
  private Conf conf;
  private JobReport report;
  private FailingEnd end;

  @Override
  public Map<String, String> init(SparkContext sparkContext, PluginContext context) {
    spark = sparkContext;
    conf = Conf.of(context.conf());
    Setting.validate(conf);
    report = new JobReport(spark.applicationId(), this::stageName);
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
    String answer = "";
    if (message instanceof Map) {
      Map<?, ?> told = (Map<?, ?>) message;
      if (Message.isStarted(told)) {
        report.started(told);
      } else if (Message.isEnded(told)) {
        report.ended(told);
      } else if (Message.isJudged(told) && report.judged(told)) {
        answer = TAKEN;
      }
      synchronized (this) {
        notifyAll();
      }
    }
    return answer;
  }

  @Override
  public void shutdown() {
    if (report == null) {
      return;
    }
    awaitSummaries();
    report.readImages();
    if (report.isEmpty()) {
      Say.line("no executor has started, so nothing is known of leaks");
    }
    String verdict = report.verdict();
    StringBuilder said = new StringBuilder(report.text());
    Path folder = Paths.get(Setting.OUT.of(conf)).toAbsolutePath();
    Path file = folder.resolve("spark-" + spark.applicationId() + ".json");
    try {
      Files.createDirectories(folder);
      write(folder.resolve("spark-" + spark.applicationId() + ".txt"), said + "\n");
      write(file, report.json());
      said.append("\nreport: ").append(file);
    } catch (IOException | RuntimeException e) {
      said.append("\nthe report cannot be written, see ")
          .append(Setting.OUT.key())
          .append(": ")
          .append(e);
    }
    Say.line(said.toString());
    if (end != null && verdict.equals(JobReport.LEAKS)) {
      end.fail();
    }
  }

  private static void write(Path file, String text) throws IOException {
    Files.write(file, text.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Executors have been told to stop by now, or were lost before; messages come on another thread.
   */
  private void awaitSummaries() {
    long limit = TimeUnit.MILLISECONDS.toNanos(Setting.WAIT_MILLIS.number(conf));
    long began = System.nanoTime();
    try {
      synchronized (this) {
        while (report.awaits(began, limit)) {
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
