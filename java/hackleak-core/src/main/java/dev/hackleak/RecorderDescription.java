package dev.hackleak;

import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.HashMap;
import java.util.Map;

/** What the recorder says about itself: where its image and its library are. */
final class RecorderDescription {
  private static final String UNKNOWN = "unknown";

  private final Path image;
  private final Path library;
  private final long pid;
  private final boolean degraded;
  private final boolean strict;
  private final boolean failsOnInvalidFrees;
  private final String held;
  private final String rules;
  private final String track;

  RecorderDescription(Path image, Path library, long pid, boolean degraded) {
    this(image, library, pid, degraded, false, false, UNKNOWN, "");
  }

  RecorderDescription(
      Path image,
      Path library,
      long pid,
      boolean degraded,
      boolean strict,
      boolean failsOnInvalidFrees,
      String held,
      String rules) {
    this(image, library, pid, degraded, strict, failsOnInvalidFrees, held, rules, "");
  }

  private RecorderDescription(
      Path image,
      Path library,
      long pid,
      boolean degraded,
      boolean strict,
      boolean failsOnInvalidFrees,
      String held,
      String rules,
      String track) {
    this.image = image;
    this.library = library;
    this.pid = pid;
    this.degraded = degraded;
    this.strict = strict;
    this.failsOnInvalidFrees = failsOnInvalidFrees;
    this.held = held;
    this.rules = rules;
    this.track = track;
  }

  /**
   * Reads lines of {@code key=value}. Keys without a meaning here are left to others.
   *
   * @throws IllegalStateException if a key that is needed is missing or not a number where one is
   *     due
   */
  static RecorderDescription parse(String lines) {
    Map<String, String> values = new HashMap<>();
    for (String line : lines.split("\n")) {
      int equals = line.indexOf('=');
      if (equals > 0) {
        values.put(line.substring(0, equals), line.substring(equals + 1));
      }
    }
    try {
      return new RecorderDescription(
          Paths.get(required(values, "image")).toAbsolutePath(),
          Paths.get(required(values, "library")).toAbsolutePath(),
          Long.parseLong(required(values, "pid")),
          "1".equals(required(values, "degraded")),
          "1".equals(values.get("strict")),
          "fail".equals(values.get("invalid-frees")),
          values.getOrDefault("held", UNKNOWN),
          values.getOrDefault("rules", ""),
          values.getOrDefault("track", ""));
    } catch (NumberFormatException e) {
      throw new IllegalStateException("the recorder's description has no usable pid: " + lines, e);
    }
  }

  private static String required(Map<String, String> values, String key) {
    String value = values.get(key);
    if (value == null) {
      throw new IllegalStateException("the recorder's description lacks " + key + ": " + values);
    }
    return value;
  }

  /** The image that the recorder writes for this process. */
  Path image() {
    return image;
  }

  /** The library that records this process. */
  Path library() {
    return library;
  }

  /** This process, as the recorder and the names of its files know it. */
  long pid() {
    return pid;
  }

  /** True when part of the image is in this process's memory only, out of the reporter's reach. */
  boolean degraded() {
    return degraded;
  }

  /** True if a library under test that is blind fails a check: the option {@code strict}. */
  boolean strict() {
    return strict;
  }

  /**
   * True if it can be told who holds memory, and makes a difference.
   *
   * @param decided what the check says; {@link Held#DEFAULT} leaves it to the option {@code held}
   */
  boolean tellsHolders(Held decided) {
    return !held.equals(UNKNOWN)
        && (decided == Held.DEFAULT ? !held.equals("fail") : decided != Held.FAIL);
  }

  /** True if memory that is held fails like what is lost, so that it need not be told apart. */
  boolean heldFails(Held decided) {
    return decided == Held.DEFAULT ? held.equals("fail") : decided == Held.FAIL;
  }

  /** The kinds that are tracked, joined as in the option; empty if they are not known. */
  String track() {
    return track;
  }

  /** Changes with the rules that leave leaks out. */
  String rules() {
    return rules;
  }

  /** True if invalid frees fail a check: the option {@code invalid-frees=fail}. */
  boolean failsOnInvalidFrees() {
    return failsOnInvalidFrees;
  }
}
