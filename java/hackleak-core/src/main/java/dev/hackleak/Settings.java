package dev.hackleak;

import java.time.Duration;

/** The system properties that HackLeak reads; each is read anew whenever it matters. */
final class Settings {
  static final String REQUIRED = "hackleak.required";
  static final String SETTLE = "hackleak.settle";
  static final String SETTLE_LIMIT = "hackleak.settle.limit.ms";
  static final String KNOWN = "hackleak.known";
  static final String HELD = "hackleak.held";
  static final String GROWING = "hackleak.growing";
  static final String GROWING_TESTS = "hackleak.growing.tests";
  static final String CLI = "hackleak.cli";
  static final String REPORT_TIMEOUT = "hackleak.report.timeout.ms";

  /** With this property the RAPIDS libraries collect garbage before they look for leaks. */
  static final String RAPIDS_DEBUG = "ai.rapids.refcount.debug";

  private Settings() {}

  static boolean required() {
    return Boolean.getBoolean(REQUIRED);
  }

  static boolean settle() {
    return Boolean.getBoolean(SETTLE) || Boolean.getBoolean(RAPIDS_DEBUG);
  }

  /** What known leaks are: {@code fail} or {@code note}; null to leave it to the recorder. */
  static String known() {
    String value = System.getProperty(KNOWN);
    if (value == null || value.trim().isEmpty()) {
      return null;
    }
    String known = value.trim();
    if (known.equals("fail") || known.equals("note")) {
      return known;
    }
    throw new IllegalArgumentException("-D" + KNOWN + " is fail or note, not \"" + value + "\"");
  }

  /** {@link Held#DEFAULT} if nothing is said. */
  static Held held() {
    String value = System.getProperty(HELD);
    return value == null || value.trim().isEmpty() ? Held.DEFAULT : Held.of("-D" + HELD, value);
  }

  /** What becomes of memory that is held and grows with each test of a class. */
  static Held growing() {
    String value = System.getProperty(GROWING);
    return value == null || value.trim().isEmpty() ? Held.FAIL : Held.of("-D" + GROWING, value);
  }

  /** How many tests must have added to it, at least 4. */
  static int growingTests() {
    String value = System.getProperty(GROWING_TESTS);
    if (value == null) {
      return 5;
    }
    try {
      int tests = Integer.parseInt(value.trim());
      if (tests >= 4) {
        return tests;
      }
    } catch (NumberFormatException e) {
      // Said below, for a number below 4 as well.
    }
    throw new IllegalArgumentException(
        "-D" + GROWING_TESTS + " is a number of tests, 4 or more, not \"" + value + "\"");
  }

  static Duration settleLimit() {
    return millis(SETTLE_LIMIT, 5_000);
  }

  static Duration reportTimeout() {
    return millis(REPORT_TIMEOUT, 60_000);
  }

  private static Duration millis(String property, long otherwise) {
    String value = System.getProperty(property);
    if (value == null) {
      return Duration.ofMillis(otherwise);
    }
    try {
      long millis = Long.parseLong(value.trim());
      if (millis >= 0) {
        return Duration.ofMillis(millis);
      }
    } catch (NumberFormatException e) {
      // Said below, for a number below zero as well.
    }
    throw new IllegalArgumentException(
        "-D" + property + " is a number of milliseconds, not \"" + value + "\"");
  }
}
