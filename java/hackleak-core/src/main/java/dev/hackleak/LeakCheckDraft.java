package dev.hackleak;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** The settings of a {@link LeakCheck} while they are changed; it begins with the standard ones. */
final class LeakCheckDraft {
  Boolean settle;
  Duration limit;
  int scope;
  Ownership ownership = Ownership.ANY;
  final Set<LeakKind> kinds = EnumSet.noneOf(LeakKind.class);
  long allowedBytes = -1;
  long allowedBlocks = -1;
  final List<String> suppressed = new ArrayList<>();
  Held held = Held.DEFAULT;
  int[] rounds = {};
  int fewestTests;
  Collection<Long> fell = Collections.emptyList();
  final List<Object> finished = new ArrayList<>();
  boolean ofEndedTest;
  boolean settled;
  Boolean failOnKnown;
  long peakBytes = -1;
  long allocations = -1;
  boolean ofLimits;

  LeakCheckDraft() {}

  /** The settings of a check, to be changed in a copy. */
  static LeakCheckDraft of(LeakCheck check) {
    LeakCheckDraft draft = new LeakCheckDraft();
    draft.settle = check.settle;
    draft.limit = check.limit;
    draft.scope = check.scope;
    draft.ownership = check.ownership;
    draft.kinds.addAll(check.kinds);
    draft.allowedBytes = check.allowedBytes;
    draft.allowedBlocks = check.allowedBlocks;
    draft.suppressed.addAll(check.suppressed);
    draft.held = check.held;
    draft.rounds = check.rounds;
    draft.fewestTests = check.fewestTests;
    draft.fell = check.fell;
    draft.finished.addAll(check.finished);
    draft.ofEndedTest = check.ofEndedTest;
    draft.settled = check.settled;
    draft.failOnKnown = check.failOnKnown;
    draft.peakBytes = check.peakBytes;
    draft.allocations = check.allocations;
    draft.ofLimits = check.ofLimits;
    return draft;
  }
}
