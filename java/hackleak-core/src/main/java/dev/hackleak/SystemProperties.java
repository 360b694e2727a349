package dev.hackleak;

import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** The system properties that HackLeak reads; each is read anew whenever it matters. */
final class SystemProperties {
  static final String REQUIRED = "hackleak.required";
  static final String SETTLE = "hackleak.settle";
  static final String SETTLE_LIMIT = "hackleak.settle.limit.ms";
  static final String SETTLE_LIMIT_MILLIS = "hackleak.settleLimitMillis";
  static final String ALLOW_BYTES = "hackleak.allowBytes";
  static final String ALLOW_BLOCKS = "hackleak.allowBlocks";
  static final String KINDS = "hackleak.kinds";
  static final String SUPPRESS = "hackleak.suppress";
  static final String KNOWN = "hackleak.known";
  static final String HELD = "hackleak.held";
  static final String GROWING = "hackleak.growing";
  static final String GROWING_TESTS = "hackleak.growing.tests";
  static final String CLI = "hackleak.cli";
  static final String REPORT_TIMEOUT = "hackleak.report.timeout.ms";

  /** With this property the RAPIDS libraries collect garbage before they look for leaks. */
  static final String RAPIDS_DEBUG = "ai.rapids.refcount.debug";

  private SystemProperties() {}

  static boolean required() {
    return is(REQUIRED);
  }

  static boolean settle() {
    return is(SETTLE) || Boolean.getBoolean(RAPIDS_DEBUG);
  }

  /** Whether tests settle before a leak is reported; they do unless {@value #SETTLE} is false. */
  static boolean settleTests() {
    return System.getProperty(SETTLE) == null || is(SETTLE);
  }

  /** A switch. One that is misspelt would leave tests unchecked, so it is an error. */
  static boolean is(String property) {
    String value = System.getProperty(property);
    if (value == null || value.trim().equalsIgnoreCase("false")) {
      return false;
    }
    if (value.trim().isEmpty() || value.trim().equalsIgnoreCase("true")) {
      return true;
    }
    throw new IllegalArgumentException(
        "-D" + property + " is true or false, not \"" + value + "\"");
  }

  /** How many bytes each site may leak; below zero if nothing is said. */
  static long allowedBytes() {
    return number(ALLOW_BYTES, -1, 0, "a number, 0 or more,");
  }

  /** How many blocks each site may leak; below zero if nothing is said. */
  static long allowedBlocks() {
    return number(ALLOW_BLOCKS, -1, 0, "a number, 0 or more,");
  }

  /** The kinds that count; none for all. */
  static Set<LeakKind> kinds() {
    Set<LeakKind> kinds = EnumSet.noneOf(LeakKind.class);
    for (String name : list(KINDS, "[;,+\\s]+")) {
      try {
        kinds.add(LeakKind.valueOf(name.toUpperCase(Locale.ROOT)));
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(
            "-D"
                + KINDS
                + " has new, malloc, jni, unsafe, pool, fd, mmap, zip, thread, attach or module, not \""
                + name
                + "\"",
            e);
      }
    }
    return kinds;
  }

  /** Patterns of leaks that do not count. They have commas, so those part nothing. */
  static List<String> suppressed() {
    return list(SUPPRESS, "[;\n]");
  }

  private static List<String> list(String property, String separator) {
    List<String> list = new ArrayList<>();
    for (String value : System.getProperty(property, "").split(separator)) {
      if (!value.trim().isEmpty()) {
        list.add(value.trim());
      }
    }
    return list;
  }

  /** A number that is at least {@code least}; {@code otherwise} if nothing is said. */
  private static long number(String property, long otherwise, long least, String what) {
    String value = System.getProperty(property);
    if (value == null || value.trim().isEmpty()) {
      return otherwise;
    }
    try {
      long number = Long.parseLong(value.trim());
      if (number >= least) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Said below, for a number that is too small as well.
    }
    throw new IllegalArgumentException("-D" + property + " is " + what + " not \"" + value + "\"");
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
    long tests = number(GROWING_TESTS, 5, 4, "a number of tests, 4 or more,");
    return (int) Math.min(tests, Integer.MAX_VALUE);
  }

  static Duration settleLimit() {
    String named = System.getProperty(SETTLE_LIMIT_MILLIS);
    return millis(named == null ? SETTLE_LIMIT : SETTLE_LIMIT_MILLIS, 5_000);
  }

  static Duration reportTimeout() {
    return millis(REPORT_TIMEOUT, 60_000);
  }

  private static Duration millis(String property, long otherwise) {
    return Duration.ofMillis(number(property, otherwise, 0, "a number of milliseconds,"));
  }
}
