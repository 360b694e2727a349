package dev.hackleak.spark;

import dev.hackleak.Checkpoint;
import dev.hackleak.HackLeak;
import dev.hackleak.LeakEvidence;
import dev.hackleak.LeakFrame;
import dev.hackleak.LeakReport;
import dev.hackleak.LeakShare;
import dev.hackleak.LeakSite;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What an executor tells the driver, and what that answers: that it has started, what it has found
 * at its end, and images. Made of the JDK's types alone, so that any class loader can read it.
 */
final class Message {
  static final String EXECUTOR = "executor";
  static final String HOST = "host";
  static final String PID = "pid";
  static final String IMAGE = "image";
  static final String REASON = "reason";
  static final String BYTES = "bytes";
  static final String BLOCKS = "blocks";
  static final String TASKS = "tasks";
  static final String EVIDENCE = "evidence";
  static final String MILLIS = "millis";
  static final String FAILS = "fails";
  static final String SITES = "sites";
  static final String HELD = "held";
  static final String NOTES = "notes";
  static final String INCOMPLETE = "incomplete";
  static final String KIND = "kind";
  static final String VERDICT = "verdict";
  static final String HOLDER = "holder";
  static final String STACK = "stack";
  static final String SHARES = "shares";
  static final String SCOPE = "scope";

  /** The executor that sends what is another one's. */
  static final String FROM = "from";

  static final String NUMBER = "number";
  static final String CONTENT = "content";
  static final String LAST = "last";
  static final String NAME = "name";

  /** In answers: what to do now. */
  static final String ANSWER = "answer";

  /** In answers: executors that have told no end, and whose images the driver wants. */
  static final String LOST = "lost";

  /** They are for looking up; there may be many in a long run. */
  private static final int MOST_HELD = 500;

  private static final String TYPE = "type";
  private static final String STARTED = "started";
  private static final String JUDGED = "judged";
  private static final String ENDED = "ended";
  private static final String PIECE = "piece";
  private static final String WRITTEN = "written";
  private static final String CLAIMED = "claimed";
  private static final String ABORTED = "aborted";
  private static final String CARRIED = "carried";

  private Message() {}

  /**
   * Tells that an executor runs, and what is needed to look at its image if it never tells its end.
   *
   * @param since from when on it counts, or null if it is not recorded
   * @param reason why it is not, else null
   */
  static HashMap<String, Object> started(String executor, Checkpoint since, String reason) {
    HashMap<String, Object> message = of(STARTED, executor);
    message.put(HOST, host());
    // "4711@host" on HotSpot; Java 8 has no better way.
    message.put(PID, ManagementFactory.getRuntimeMXBean().getName().split("@")[0]);
    if (reason == null) {
      HackLeak.image().ifPresent(image -> message.put(IMAGE, image.toString()));
      LeakEvidence.unjudged(since)
          .ifPresent(evidence -> message.put(EVIDENCE, evidence.toString()));
    } else {
      message.put(REASON, reason);
    }
    return message;
  }

  /** Tells what leaked in the executor. */
  static HashMap<String, Object> ended(
      String executor, LeakReport report, long tasks, long millis) {
    HashMap<String, Object> message = of(ENDED, executor);
    message.put(TASKS, tasks);
    message.put(MILLIS, millis);
    message.put(BYTES, report.bytes());
    message.put(BLOCKS, report.blocks());
    message.put(FAILS, report.fails());
    message.put(NOTES, new ArrayList<>(report.notes()));
    message.put(INCOMPLETE, new ArrayList<>(report.incomplete()));
    message.put(SITES, sites(report.sites()));
    List<LeakSite> held = report.held();
    message.put(HELD, sites(held.subList(0, Math.min(MOST_HELD, held.size()))));
    return message;
  }

  /** Tells what the driver needs to report on the executor, whatever becomes of it now. */
  static HashMap<String, Object> judged(
      String executor, LeakEvidence evidence, long tasks, long millis) {
    HashMap<String, Object> message = of(JUDGED, executor);
    message.put(EVIDENCE, evidence.toString());
    message.put(TASKS, tasks);
    message.put(MILLIS, millis);
    return message;
  }

  /** Tells that the check itself failed. */
  static HashMap<String, Object> failed(String executor, String reason) {
    HashMap<String, Object> message = of(ENDED, executor);
    message.put(REASON, reason);
    return message;
  }

  /** A piece of the packed image of an executor, without its content. */
  static HashMap<String, Object> piece(String executor, String from) {
    return of(PIECE, executor, from);
  }

  /** Asks whether an executor may send the image of another one. */
  static HashMap<String, Object> claimed(String executor, String from) {
    return of(CLAIMED, executor, from);
  }

  /** Tells that an executor does not send an image any more, which has not come. */
  static HashMap<String, Object> aborted(String executor, String from) {
    return of(ABORTED, executor, from);
  }

  /** Tells that an executor has sent what it could of the images that the driver asked for. */
  static HashMap<String, Object> carried(String executor) {
    return of(CARRIED, executor);
  }

  /** Tells that an executor's packed image is in the folder of {@code spark.hackleak.out}. */
  static HashMap<String, Object> written(String executor, String from, String name, long bytes) {
    HashMap<String, Object> message = of(WRITTEN, executor, from);
    message.put(NAME, name);
    message.put(BYTES, bytes);
    return message;
  }

  /** What the driver answers. */
  static HashMap<String, Object> answer(
      String answer, ArrayList<HashMap<String, Object>> lostExecutors) {
    HashMap<String, Object> message = new HashMap<>();
    message.put(ANSWER, answer);
    message.put(LOST, lostExecutors);
    return message;
  }

  /** The answer, if it is one. */
  static Map<?, ?> answered(Object answer) {
    return answer instanceof Map ? (Map<?, ?>) answer : new HashMap<>();
  }

  /** An executor that has told no end. */
  static HashMap<String, Object> lost(String executor, String evidence) {
    HashMap<String, Object> one = new HashMap<>();
    one.put(EXECUTOR, executor);
    one.put(EVIDENCE, evidence);
    return one;
  }

  /** Whether it is of an image: a claim, a piece, the news where it is or that it has failed. */
  static boolean isOfImage(Map<?, ?> message) {
    return PIECE.equals(message.get(TYPE))
        || isWritten(message)
        || isClaimed(message)
        || isAborted(message);
  }

  static boolean isClaimed(Map<?, ?> message) {
    return CLAIMED.equals(message.get(TYPE));
  }

  static boolean isAborted(Map<?, ?> message) {
    return ABORTED.equals(message.get(TYPE));
  }

  static boolean isCarried(Map<?, ?> message) {
    return CARRIED.equals(message.get(TYPE));
  }

  static boolean isWritten(Map<?, ?> message) {
    return WRITTEN.equals(message.get(TYPE));
  }

  static boolean isStarted(Map<?, ?> message) {
    return STARTED.equals(message.get(TYPE));
  }

  static boolean isJudged(Map<?, ?> message) {
    return JUDGED.equals(message.get(TYPE));
  }

  static boolean isEnded(Map<?, ?> message) {
    return ENDED.equals(message.get(TYPE));
  }

  static String text(Map<?, ?> of, String key) {
    Object value = of.get(key);
    return value == null ? "" : value.toString();
  }

  static long number(Map<?, ?> of, String key) {
    Object value = of.get(key);
    return value instanceof Number ? ((Number) value).longValue() : 0;
  }

  static List<?> list(Map<?, ?> of, String key) {
    Object value = of.get(key);
    return value instanceof List ? (List<?>) value : new ArrayList<>();
  }

  private static HashMap<String, Object> of(String type, String executor) {
    HashMap<String, Object> message = new HashMap<>();
    message.put(TYPE, type);
    message.put(EXECUTOR, executor);
    return message;
  }

  private static HashMap<String, Object> of(String type, String executor, String from) {
    HashMap<String, Object> message = of(type, executor);
    message.put(FROM, from);
    return message;
  }

  private static ArrayList<HashMap<String, Object>> sites(List<LeakSite> sites) {
    ArrayList<HashMap<String, Object>> told = new ArrayList<>();
    for (LeakSite site : sites) {
      HashMap<String, Object> one = new HashMap<>();
      one.put(BYTES, site.bytes());
      one.put(BLOCKS, site.blocks());
      one.put(KIND, site.kind());
      one.put(VERDICT, site.verdict().name().toLowerCase(Locale.ROOT));
      one.put(HOLDER, site.holder().orElse(""));
      ArrayList<String> stack = new ArrayList<>();
      for (LeakFrame frame : site.frames()) {
        stack.add(frame.isJava() ? "at " + frame : frame.toString());
      }
      one.put(STACK, stack);
      ArrayList<HashMap<String, Object>> shares = new ArrayList<>();
      for (LeakShare share : site.scopes()) {
        HashMap<String, Object> part = new HashMap<>();
        part.put(SCOPE, share.scope());
        part.put(BYTES, share.bytes());
        part.put(BLOCKS, share.blocks());
        shares.add(part);
      }
      one.put(SHARES, shares);
      told.add(one);
    }
    return told;
  }

  static String host() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "unknown";
    }
  }
}
