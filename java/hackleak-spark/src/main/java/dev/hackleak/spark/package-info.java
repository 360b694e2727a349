/**
 * HackLeak in Apache Spark: {@code spark.plugins=dev.hackleak.spark.HackLeakPlugin}.
 *
 * <p>Each executor records itself, opens a scope for each task, and judges itself when it stops. It
 * sends what it found to the driver, which makes one report of all of them. What is difficult:
 *
 * <ul>
 *   <li>Messages consist of the JDK's own types, because the driver's class loader that reads them
 *       need not know the plugin.
 *   <li>Spark forgets the task before it says that it has succeeded or failed.
 *   <li>A cluster kills executors some seconds after it has told them to stop.
 * </ul>
 */
package dev.hackleak.spark;
