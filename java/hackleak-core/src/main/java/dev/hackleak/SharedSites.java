package dev.hackleak;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Sites that failed several tests, said once at the end of the run: one mistake in shared code
 * looks like many where each test tells of its own leak.
 *
 * <p>Sites are the same if the same Java code allocated them, up to the project's own: what a test
 * calls a fixture from is the test's matter.
 */
final class SharedSites {
  private static final int MOST_SITES = 5;
  private static final int MOST_TESTS = 3;
  private static final int MOST_KNOWN = 10_000;

  private static final SharedSites OF_THIS_RUN = new SharedSites();

  private final Map<String, Set<String>> tests = new LinkedHashMap<>();

  SharedSites() {}

  static SharedSites ofThisRun() {
    return OF_THIS_RUN;
  }

  /** Notes that a test has failed because of these leaks. */
  synchronized void failed(String test, LeakReport report) {
    for (LeakSite site : report.sites()) {
      String key = key(site);
      if (tests.size() < MOST_KNOWN || tests.containsKey(key)) {
        tests.computeIfAbsent(key, any -> new LinkedHashSet<>()).add(test);
      }
    }
  }

  /** What was allocated, and the frames up to the owner's in a person's words. */
  private static String key(LeakSite site) {
    List<String> frames = new ArrayList<>();
    LeakFrame owner = site.owner().orElse(null);
    for (JavaFrame frame : site.javaStack()) {
      frames.add(frame.toString());
      if (frame == owner) {
        break;
      }
    }
    if (frames.isEmpty()) {
      site.frames().forEach(frame -> frames.add(frame.toString()));
    }
    String at = owner != null ? owner.toString() : frames.isEmpty() ? "" : frames.get(0);
    return "at " + (at.isEmpty() ? "a place without a stack" : at) + '\n' + frames;
  }

  /** Says what failed more than one test, and forgets it. */
  synchronized void tell(PrintStream out) {
    int told = 0;
    for (Map.Entry<String, Set<String>> site : tests.entrySet()) {
      if (site.getValue().size() < 2) {
        continue;
      }
      if (++told > MOST_SITES) {
        continue;
      }
      String place = site.getKey().substring(0, site.getKey().indexOf('\n'));
      out.println(
          "hackleak: 1 site failed "
              + site.getValue().size()
              + " tests, "
              + place
              + ": "
              + named(site.getValue()));
    }
    if (told > MOST_SITES) {
      out.println("hackleak: " + (told - MOST_SITES) + " more sites failed several tests each");
    }
    tests.clear();
  }

  private static String named(Set<String> tests) {
    StringBuilder text = new StringBuilder();
    int shown = 0;
    for (String test : tests) {
      if (shown == MOST_TESTS) {
        return text + " and " + (tests.size() - shown) + " more";
      }
      text.append(shown++ == 0 ? "`" : ", `").append(oneLine(test)).append('`');
    }
    return text.toString();
  }

  /** A parameter of a test may have a line break, which is escaped as in a report. */
  private static String oneLine(String name) {
    StringBuilder text = new StringBuilder();
    for (char character : name.toCharArray()) {
      if (Character.isISOControl(character)) {
        text.append("\\u{").append(Integer.toHexString(character)).append('}');
      } else {
        text.append(character);
      }
    }
    return text.toString();
  }
}
