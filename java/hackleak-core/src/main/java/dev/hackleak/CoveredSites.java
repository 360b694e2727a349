package dev.hackleak;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Sites of which the reporter has said that a rule leaves them out, whatever lies there: what is
 * live at these alone needs neither settling nor a reporter.
 *
 * <p>A site is a stack of the image and a kind, both as the recorder counts them. Which sites are
 * covered depends on the rules: those of the recorder, with the files that they were read from, and
 * those of the check. So there is a set for each combination.
 */
final class CoveredSites {
  /** The most different sites of one check that are looked up. */
  static final int MOST_ASKED = 256;

  /** The most sites that the reporter is asked about before garbage has been collected. */
  private static final int MOST_UNKNOWN = 32;

  /** The most sites that are remembered for one combination of rules. */
  private static final int MOST_KNOWN = 1 << 16;

  /** The most combinations of rules. */
  private static final int MOST_RULES = 256;

  private static final Map<String, CoveredSites> BY_RULES = new HashMap<>();

  private final Set<Long> known = ConcurrentHashMap.newKeySet();

  /** Sites about which the reporter was asked. */
  private final Set<Long> asked = ConcurrentHashMap.newKeySet();

  private CoveredSites() {}

  /** What is known under the rules of a check. */
  static CoveredSites of(RecorderDescription recorder, LeakCheck check) {
    StringBuilder rules = new StringBuilder();
    rules.append(recorder.image()).append('\0').append(recorder.rules());
    check.suppressed().forEach(pattern -> rules.append('\0').append(pattern));
    synchronized (BY_RULES) {
      if (BY_RULES.size() >= MOST_RULES) {
        BY_RULES.clear();
      }
      return BY_RULES.computeIfAbsent(rules.toString(), any -> new CoveredSites());
    }
  }

  /** A site by the numbers of its stack and kind. */
  static long site(long stack, long kind) {
    return stack | kind << 32;
  }

  void add(long site) {
    if (known.size() < MOST_KNOWN) {
      known.add(site);
    }
  }

  /** Whether asking the reporter may turn all of them into covered ones, and is soon done. */
  boolean isWorthAsking(long[] sites) {
    int unknown = 0;
    for (long site : sites) {
      if (!known.contains(site)) {
        if (asked.contains(site)) {
          return false;
        }
        unknown++;
      }
    }
    return unknown > 0 && unknown <= MOST_UNKNOWN;
  }

  /** Notes that the reporter has said all it knows about these. */
  void asked(long[] sites) {
    for (long site : sites) {
      if (asked.size() < MOST_KNOWN) {
        asked.add(site);
      }
    }
  }

  boolean containsAll(long[] sites) {
    for (long site : sites) {
      if (!known.contains(site)) {
        return false;
      }
    }
    return true;
  }
}
