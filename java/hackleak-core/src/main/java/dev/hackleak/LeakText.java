package dev.hackleak;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** The words of the reports that no reporter wrote. */
final class LeakText {
  private static final int MAX_SITES = 10;

  private static final List<String> HANDLES =
      Arrays.asList(
          "global reference",
          "weak global reference",
          "critical array",
          "critical string",
          "monitor",
          "library handle",
          "attached thread",
          "local frame",
          "local reference",
          "file descriptor",
          "thread");

  private LeakText() {}

  /** The text of a report, from its figures. */
  static List<String> of(long bytes, long count, List<LeakSite> sites, List<String> notes) {
    List<String> text = new ArrayList<>();
    text.add(
        counted(bytes, "byte") + " leaked in " + counted(count, "block") + places(sites.size()));
    for (int i = 0; i < Math.min(sites.size(), MAX_SITES); i++) {
      text.add("");
      text.addAll(Arrays.asList((i + 1 + ") " + sites.get(i)).split("\n")));
    }
    if (sites.size() > MAX_SITES) {
      text.add("");
      text.add("... " + counted(sites.size() - MAX_SITES, "more site"));
    }
    text.add("");
    for (String note : notes) {
      text.add(note(note));
    }
    return text;
  }

  static String amount(long bytes, long count) {
    return counted(bytes, "byte") + " in " + counted(count, "block");
  }

  /** The same for blocks of one kind; handles have no bytes of their own. */
  static String amount(long bytes, long count, String kind) {
    if (kind.equals("mapping")) {
      return counted(count, kind) + ", " + counted(bytes, "byte");
    }
    return HANDLES.contains(kind) ? counted(count, kind) : amount(bytes, count) + ", " + kind;
  }

  private static String places(int sites) {
    return sites == 0 ? "" : " at " + counted(sites, "site");
  }

  static String counted(long number, String noun) {
    return String.format(Locale.ROOT, "%,d %s%s", number, noun, number == 1 ? "" : "s");
  }

  static String note(String note) {
    return "note: " + note;
  }

  static String unrecordedEvents(long events) {
    return String.format(
        Locale.ROOT, "%,d allocations or frees could not be recorded and are missing here", events);
  }

  static String covered(long bytes, long count) {
    return amount(bytes, count) + " at sites that suppressions cover are not counted";
  }

  static String held(long bytes, long count) {
    return amount(bytes, count) + " held, not lost, by what is still alive";
  }

  static String unseenUnknown(String reason) {
    return "whether the libraries under test are seen is not known: " + reason;
  }

  static String unjudged(String reason) {
    return "who holds what is still live is not known, so all of it counts: " + reason;
  }

  static String invalidFrees(long count) {
    return counted(count, "invalid free") + ": see the report of `hackleak report` on the image";
  }

  static String cudfLeaks(long count) {
    return "cuDF's cleaner freed "
        + counted(count, "object")
        + " that nobody had closed, which its log calls WAS LEAKED";
  }

  /** Never a bare "no leaks": what was not seen may have leaked all the same. */
  static String nothingLive(Checkpoint since) {
    return "nothing that was recorded since " + since + " is still live";
  }

  static String notChecked(String reason) {
    return "nothing was checked: this JVM is not recorded, because " + reason;
  }

  /** One line on what a look for leaks has thrown, and where to find more. */
  static String summary(Throwable thrown) {
    if (!(thrown instanceof LeakError)) {
      return "it could not be checked: " + thrown;
    }
    LeakReport report = ((LeakError) thrown).report();
    String what = report.hasLeaks() ? amount(report.bytes(), report.blocks()) : "no memory";
    return "it leaked " + what + report.json().map(json -> ": " + json).orElse("");
  }
}
