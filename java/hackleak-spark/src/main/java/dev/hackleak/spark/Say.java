package dev.hackleak.spark;

import java.io.IOException;
import java.util.Locale;

/** What people read, on stderr: a log's level may hide what is said there. */
final class Say {
  private Say() {}

  static void line(String text) {
    System.err.println("hackleak: " + text);
  }

  /** Why something failed: a sentence of ours, or what a program says. */
  static String why(Throwable failed) {
    boolean isSaid = failed.getClass() == IOException.class && failed.getMessage() != null;
    return isSaid ? failed.getMessage() : failed.toString();
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
