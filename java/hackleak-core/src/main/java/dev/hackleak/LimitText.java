package dev.hackleak;

import java.util.Locale;

/** The words for limits that a test has exceeded. */
final class LimitText {
  private static final String[] UNITS = {"KiB", "MiB", "GiB", "TiB"};

  private LimitText() {}

  /** A limit, if it can be one. */
  static long checked(String name, long most) {
    if (most < 0) {
      throw new IllegalArgumentException(name + " is a limit of 0 or more, not " + most);
    }
    return most;
  }

  /** A check of limits has one. */
  static void requireAny(LeakCheck check) {
    if (check.ofLimits && !check.hasLimits()) {
      throw new IllegalArgumentException(
          "there is no limit to look at: set peakBytes, allocations or both");
    }
  }

  /** What was exceeded, without its subject; null if nothing was. */
  static String of(LeakCheck check, long peak, long allocations, int rounds) {
    StringBuilder text = new StringBuilder();
    if (check.peakBytes >= 0 && peak > check.peakBytes) {
      text.append("had ").append(size(peak)).append(" of native memory live at its peak; ");
      text.append("its limit is ").append(size(check.peakBytes));
      text.append(" (peakBytes = ").append(check.peakBytes).append(")");
    }
    if (check.allocations >= 0 && allocations > check.allocations) {
      text.append(text.length() == 0 ? "" : ", and it ");
      text.append("made ").append(LeakText.counted(allocations, "native allocation"));
      text.append("; its limit is ");
      text.append(String.format(Locale.ROOT, "%,d", check.allocations));
      text.append(" (allocations = ").append(check.allocations).append(")");
    }
    if (text.length() == 0) {
      return null;
    }
    return text + (rounds > 1 ? ", in one of " + rounds + " rounds" : "");
  }

  /** {@code 13,002,345 bytes (12.4 MiB)}: the exact number, and one to read. */
  static String size(long bytes) {
    String exact = LeakText.counted(bytes, "byte");
    if (bytes < 1024) {
      return exact;
    }
    double value = bytes / 1024.0;
    int unit = 0;
    while (value >= 999.5 && unit < UNITS.length - 1) {
      value /= 1024;
      unit++;
    }
    String format = value < 9.995 ? "%.2f" : value < 99.95 ? "%.1f" : "%.0f";
    String rounded = String.format(Locale.ROOT, format, value);
    if (rounded.indexOf('.') >= 0) {
      rounded = rounded.replaceFirst("\\.?0+$", "");
    }
    return exact + " (" + rounded + " " + UNITS[unit] + ")";
  }
}
