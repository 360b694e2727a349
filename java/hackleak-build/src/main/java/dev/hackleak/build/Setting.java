package dev.hackleak.build;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/**
 * What both plugins can be told, under the same names: as elements of Maven's configuration, in
 * Gradle's extension, and as properties with {@code hackleak.} in front.
 */
public enum Setting {
  /** Leaves the tests unrecorded. */
  SKIP("skip", Form.FLAG, null),
  /** Fails where tests cannot be recorded. */
  REQUIRED("required", Form.FLAG, null),
  /** Checks every JUnit test, as if it had {@code @NoLeaks}. */
  EVERY_TEST("everyTest", Form.FLAG, null),

  /** Which allocations are recorded. */
  TRACK("track", Form.OPTION, "track"),
  /** What becomes of known leaks of libraries. */
  KNOWN("known", Form.OPTION, "known"),
  /** What becomes of memory that is live but held. */
  HELD("held", Form.OPTION, "held"),
  /** Leaks that are not reported. */
  SUPPRESSIONS("suppressions", Form.FILE, "suppressions"),
  /** Leaks that are known already. */
  BASELINE("baseline", Form.FILE, "baseline"),
  /** Known leaks of libraries. */
  KNOWN_LEAKS("knownLeaks", Form.FILE, "known-leaks"),

  /** Whether garbage is collected before a test's leak is reported. */
  SETTLE("settle", Form.FLAG, null),
  /** How long that may take. */
  SETTLE_LIMIT_MILLIS("settleLimitMillis", Form.NUMBER, null),
  /** How many rounds of a test count. */
  REPEAT("repeat", Form.ROUNDS, null),
  /** How many rounds before those do not. */
  WARMUP("warmup", Form.NUMBER, null),
  /** How many bytes each site may leak in a test. */
  ALLOW_BYTES("allowBytes", Form.NUMBER, null),
  /** How many blocks each site may leak in a test. */
  ALLOW_BLOCKS("allowBlocks", Form.NUMBER, null),
  /** The kinds that count in a test. */
  KINDS("kinds", Form.KINDS, null),
  /** Patterns of leaks that do not count in a test. */
  SUPPRESS("suppress", Form.TEXT, null),
  /** Whether each test is checked, or each class. */
  PER("per", Form.PER, null);

  /** What a value looks like. */
  enum Form {
    FLAG,
    /** An option of the recorder; the command knows its values. */
    OPTION,
    /** Such an option that names a file. */
    FILE,
    NUMBER,
    ROUNDS,
    /** The command knows them. */
    KINDS,
    TEXT,
    PER
  }

  /** What goes before the name in a property. */
  public static final String PREFIX = "hackleak.";

  private static final int MOST_ROUNDS = 64;

  private final String key;
  private final Form form;
  private final String option;

  Setting(String key, Form form, String option) {
    this.key = key;
    this.form = form;
    this.option = option;
  }

  /** The setting of this name. */
  public static Optional<Setting> of(String key) {
    return Arrays.stream(values()).filter(setting -> setting.key.equals(key)).findFirst();
  }

  /** The name, as builds write it. */
  public String key() {
    return key;
  }

  /** The name of its property. */
  public String property() {
    return PREFIX + key;
  }

  /** The recorder's option that it sets, if it sets one. */
  public Optional<String> option() {
    return Optional.ofNullable(option);
  }

  /** Whether its value is the path of a file. */
  public boolean isFile() {
    return form == Form.FILE;
  }

  /** Whether it has a list of values. */
  public boolean isList() {
    return this == KINDS || this == SUPPRESS;
  }

  /** Whether it says how a test is checked, which the test JVM reads as a property. */
  public boolean isOfTests() {
    return compareTo(SETTLE) >= 0;
  }

  /** As which key {@code hackleak settings} looks at the value, if it does. */
  Optional<String> checkedAs() {
    return form == Form.KINDS ? Optional.of(key) : option();
  }

  /** Why a value cannot be used, as far as no command is needed to tell. */
  Optional<String> wrong(String value) {
    switch (form) {
      case FLAG:
        return choice(value, "true", "false");
      case PER:
        return choice(value.toLowerCase(Locale.ROOT), "test", "class");
      case NUMBER:
        return number(value, 0, Long.MAX_VALUE, "a number, 0 or more");
      case ROUNDS:
        return number(value, 1, MOST_ROUNDS, "a number of rounds, 1 to " + MOST_ROUNDS);
      default:
        return Optional.empty();
    }
  }

  private static Optional<String> choice(String value, String one, String other) {
    return value.equals(one) || value.equals(other)
        ? Optional.empty()
        : Optional.of("it is " + one + " or " + other + ", not \"" + value + "\"");
  }

  private static Optional<String> number(String value, long least, long most, String what) {
    try {
      long number = Long.parseLong(value);
      if (number >= least && number <= most) {
        return Optional.empty();
      }
    } catch (NumberFormatException e) {
      // Said below, for a number out of range as well.
    }
    return Optional.of("it is " + what + ", not \"" + value + "\"");
  }
}
