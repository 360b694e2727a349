package dev.hackleak;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The words of the reports that no reporter wrote. */
final class LeakText {
  private LeakText() {}

  /** The text of a report, from its figures. */
  static List<String> of(long bytes, long count, List<LeakSite> sites, List<String> notes) {
    List<String> text = new ArrayList<>();
    text.add("leaked " + amount(bytes, count));
    for (LeakSite site : sites) {
      text.add("");
      for (String line : site.toString().split("\n")) {
        text.add("  " + line);
      }
    }
    for (String note : notes) {
      text.add(note(note));
    }
    return text;
  }

  static String amount(long bytes, long count) {
    return String.format(
        Locale.ROOT,
        "%,d %s in %,d %s",
        bytes,
        bytes == 1 ? "byte" : "bytes",
        count,
        count == 1 ? "block" : "blocks");
  }

  static String note(String note) {
    return "note: " + note;
  }

  static String unrecordedEvents(long events) {
    return String.format(
        Locale.ROOT, "%,d allocations or frees could not be recorded and are missing here", events);
  }

  /** Never a bare "no leaks": what was not seen may have leaked all the same. */
  static String nothingLive(Checkpoint since) {
    return "nothing that was recorded since " + since + " is still live";
  }

  static String notChecked(String reason) {
    return "nothing was checked: this JVM is not recorded, because " + reason;
  }
}
