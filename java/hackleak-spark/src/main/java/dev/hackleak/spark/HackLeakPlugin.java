package dev.hackleak.spark;

import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.SparkPlugin;

/**
 * Finds native memory that the tasks of a Spark application leak, and tells it by stage and task.
 * Switched on by {@code spark.plugins=dev.hackleak.spark.HackLeakPlugin}.
 */
public final class HackLeakPlugin implements SparkPlugin {
  /** Called by Spark. */
  public HackLeakPlugin() {}

  @Override
  public DriverPlugin driverPlugin() {
    return new HackLeakDriver();
  }

  @Override
  public ExecutorPlugin executorPlugin() {
    return new HackLeakExecutor();
  }
}
