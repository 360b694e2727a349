package dev.hackleak.spark;

import java.util.Locale;

/** What people read, on stderr: a log's level may hide what is said there. */
final class Say {
  private Say() {}

  static void line(String text) {
    System.err.println("hackleak: " + text);
  }

  /** {@code 1 block}, {@code 2,000 blocks}. */
  static String count(long number, String noun) {
    return String.format(Locale.ROOT, "%,d %s%s", number, noun, number == 1 ? "" : "s");
  }

  /** {@code 13,000 bytes in 10 blocks}. */
  static String amount(long bytes, long blocks) {
    return count(bytes, "byte") + " in " + count(blocks, "block");
  }
}
