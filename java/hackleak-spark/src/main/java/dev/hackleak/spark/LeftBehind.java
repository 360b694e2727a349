package dev.hackleak.spark;

import dev.hackleak.LeakCheck;
import dev.hackleak.LeakEvidence;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * What was live in an executor that ended without a word, from its image. None of it is a leak by
 * itself: a process that was killed could free nothing, and nobody is left who knows who held it.
 */
final class LeftBehind {
  private static final String LEAKED = "leaked";

  /** Much of what is live in a process is held rightly. */
  private static final int SHOWN_SITES = 5;

  /** As an executor tells its end, of what was live; or why that is not known. */
  final Map<?, ?> found;

  private final ToldSites sites = new ToldSites();

  LeftBehind(Map<?, ?> found) {
    this.found = found;
    sites.add(Message.list(found, Message.SITES));
  }

  /** Reads the image of an executor that has told its start. */
  static LeftBehind of(String executor, Map<?, ?> start, ReceivedImages images, Deadline deadline) {
    String told = Message.text(start, Message.EVIDENCE);
    if (told.isEmpty()) {
      return new LeftBehind(Message.failed(executor, "its image was not whole from the start on"));
    }
    try {
      LeakEvidence evidence = images.evidence(executor, told, deadline);
      return new LeftBehind(
          evidence.isReadable()
              ? Message.ended(executor, evidence.report(LeakCheck.standard()), 0, 0)
              : Message.failed(executor, "its image cannot be reached from the driver"));
    } catch (IOException | RuntimeException e) {
      return new LeftBehind(
          Message.failed(executor, "its image cannot be read: " + e.getMessage()));
    }
  }

  boolean isKnown() {
    return !found.containsKey(Message.REASON);
  }

  String reason() {
    return Message.text(found, Message.REASON);
  }

  /** Whether all had been freed, so that there is nothing to judge. */
  boolean isNothing() {
    return isKnown() && Message.number(found, Message.BLOCKS) == 0;
  }

  private boolean isToBeShown() {
    return isKnown() && !isNothing();
  }

  /** For people, if there is anything. */
  void text(List<String> lines, String who, ToldSites.Known known) {
    if (isToBeShown()) {
      lines.add("");
      lines.add("live in " + who + " when it ended, and unknown who held it:");
      lines.add("  " + sum());
      sites.text(lines, known);
    }
  }

  private Sum sum() {
    Sum sum = new Sum();
    sum.add(Message.number(found, Message.BYTES), Message.number(found, Message.BLOCKS));
    return sum;
  }

  /** For programs: {@code live} of the executor. */
  void into(Map<String, Object> executor, ToldSites.Known known) {
    if (isKnown()) {
      Map<String, Object> live = new LinkedHashMap<>();
      sum().into(live);
      live.put("stages", sites.toldStages(known));
      live.put("queries", sites.toldQueries(known));
      live.put("sites", sites.told(known));
      executor.put("live", live);
    }
  }

  /** What is known of the executor's tasks, and of its sites from the other executors. */
  static ToldSites.Known known(
      ToldExecutor executor,
      Function<TaskName, String> stages,
      Set<String> leaked,
      Set<String> held) {
    return new ToldSites.Known() {
      @Override
      public String stage(TaskName task) {
        return stages.apply(task);
      }

      @Override
      public String ofTask(TaskName task) {
        return executor.hasEnded(task) ? ", had ended" : ", was running";
      }

      @Override
      public String ofSite(ToldSite site) {
        String elsewhere = elsewhere(site);
        return elsewhere.isEmpty() ? "" : ", " + elsewhere + " in other executors";
      }

      /** First what leaked elsewhere, last what was held there. */
      @Override
      public int rank(ToldSite site) {
        String elsewhere = elsewhere(site);
        return elsewhere.equals(LEAKED) ? 0 : elsewhere.isEmpty() ? 1 : 2;
      }

      @Override
      public int shownSites() {
        return SHOWN_SITES;
      }

      @Override
      public Map<String, Object> told(TaskName task) {
        Map<String, Object> told = task.told();
        told.put("ended", executor.hasEnded(task));
        return told;
      }

      @Override
      public Map<String, Object> told(ToldSite site) {
        Map<String, Object> told = site.told(this::told);
        told.put("elsewhere", elsewhere(site));
        return told;
      }

      private String elsewhere(ToldSite site) {
        String place = site.place();
        return leaked.contains(place) ? LEAKED : held.contains(place) ? "held" : "";
      }
    };
  }
}
