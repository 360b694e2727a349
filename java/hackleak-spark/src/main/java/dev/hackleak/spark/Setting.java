package dev.hackleak.spark;

/** The settings {@code spark.hackleak.*}. */
enum Setting {
  LIBRARY("library", ""),
  OPTIONS("options", ""),
  OUT("out", "hackleak-out"),
  LOCAL_OUT("localOut", ""),
  MAX_IMAGE_BYTES("maxImageBytes", "268435456"),
  SEND_LIMIT_MILLIS("sendLimitMillis", "5000"),
  FAIL_ON_LEAKS("failOnLeaks", "false"),
  WARMUP_TASKS("warmupTasks", "0"),
  SETTLE_LIMIT_MILLIS("settleLimitMillis", "3000"),
  WAIT_MILLIS("waitMillis", "30000");

  private final String key;
  private final String otherwise;

  Setting(String name, String otherwise) {
    key = "spark.hackleak." + name;
    this.otherwise = otherwise;
  }

  String key() {
    return key;
  }

  /** What it is where nobody sets it. */
  String otherwise() {
    return otherwise;
  }

  String of(Conf conf) {
    return conf.get(key, otherwise).trim();
  }

  /**
   * @throws IllegalArgumentException if it is neither true nor false
   */
  boolean isTrue(Conf conf) {
    String value = of(conf);
    if (value.equalsIgnoreCase("true") || value.equalsIgnoreCase("false")) {
      return value.equalsIgnoreCase("true");
    }
    throw new IllegalArgumentException(key + " is true or false, not \"" + value + "\"");
  }

  /**
   * @throws IllegalArgumentException if it is no number, or below zero
   */
  long number(Conf conf) {
    String value = of(conf);
    try {
      long number = Long.parseLong(value);
      if (number >= 0) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Said below, for a number that is too small as well.
    }
    throw new IllegalArgumentException(key + " is a number, 0 or more, not \"" + value + "\"");
  }

  /**
   * Reads all settings.
   *
   * @throws IllegalArgumentException if one says what cannot be
   */
  static void validate(Conf conf) {
    FAIL_ON_LEAKS.isTrue(conf);
    WARMUP_TASKS.number(conf);
    SETTLE_LIMIT_MILLIS.number(conf);
    WAIT_MILLIS.number(conf);
    MAX_IMAGE_BYTES.number(conf);
    SEND_LIMIT_MILLIS.number(conf);
  }
}
