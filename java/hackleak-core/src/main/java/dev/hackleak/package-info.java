/**
 * Finds native memory that Java code leaks: take a {@linkplain dev.hackleak.HackLeak#checkpoint()
 * checkpoint}, run the code, and {@linkplain dev.hackleak.HackLeak#assertNoLeaks() assert} that
 * nothing native stayed behind.
 *
 * <p>This works in a JVM that {@code libhackleak.so} records. System properties:
 *
 * <ul>
 *   <li>{@code hackleak.required}: true to throw where this JVM is not recorded, instead of doing
 *       nothing
 *   <li>{@code hackleak.settle} (also {@code ai.rapids.refcount.debug}): true to collect garbage
 *       before a leak is reported
 *   <li>{@code hackleak.settleLimitMillis}: how long that may take, 5000 by default
 *   <li>{@code hackleak.cli}: the {@code hackleak} executable that writes the reports; else the
 *       environment variable {@code HACKLEAK_CLI}, else the file beside {@code libhackleak.so}
 *   <li>{@code hackleak.report.timeout.ms}: how long that executable may run, 60000 by default
 * </ul>
 */
package dev.hackleak;
