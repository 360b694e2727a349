package dev.hackleak;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;

/**
 * Reads the format {@code lines}, in which the reporter and the recorder answer.
 *
 * <p>Each line is a row of fields between tabs, the first of which names the row; a backslash, a
 * tab and a line feed inside a field are written {@code \\}, {@code \t} and {@code \n}. The rows:
 *
 * <pre>
 * hackleak-lines  1 json    path total   bytes  blocks note    text site    bytes  blocks  kind
 * its stack follows, innermost frame first held    bytes  blocks  kind          the same, of blocks
 * that are no leak known   bytes  blocks  kind          the same, of known leaks that fail nothing
 * judged  lost|held|growing|unknown  holder    of the site before library text
 * whose known leak the site before is own     frames  owner                how many of them are no
 * test framework's; the owner's, or empty scope   bytes  blocks  name          what of the site
 * before was allocated in it; a row for each java    class  method  file  line  native(0|1) native
 * function  file  line  module  offset-hex  inlined(0|1) mark    text invalidFree  problem  times
 * kind  bytes  sentence   an invalid free; its two stacks follow freed allocated verdict
 * clean|incomplete|invalidFrees|leaks incomplete  code                     for each cause blind
 * path  why                    a library under test that is not seen strict
 * a check fails because of those unseen  line                         what is said once about
 * libraries that are not seen in full covered  stack  kind                 by their numbers in the
 * image: what rules match for sure text    line of the human rendering end
 * </pre>
 *
 * Whatever deviates from this is an error: a report that was cut off must not look like a small
 * one.
 */
final class LinesParser {
  private static final String HEADER = "hackleak-lines";
  private static final String VERSION = "1";

  private final List<LeakSite> sites = new ArrayList<>();
  private final List<LeakSite> held = new ArrayList<>();
  private final List<LeakSite> known = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();
  private final List<String> text = new ArrayList<>();
  private String json;
  private long bytes = -1;
  private long count = -1;
  private boolean ended;

  private final List<InvalidFree> invalidFrees = new ArrayList<>();
  private final List<String> blind = new ArrayList<>();
  private final List<String> incomplete = new ArrayList<>();
  private boolean strict;
  private String unseen = "";
  private String verdict = "";

  /** The row of kind site, held or invalidFree whose frames are being read. */
  private Row open;

  /** What the row after it says of who holds its blocks. */
  private Row judged;

  /** Whose known leak it is, if it is one. */
  private String library;

  /** As {@link LeakSite} has them. */
  private int own;

  private int owner;

  private List<LeakShare> shares;
  private List<LeakFrame> frames;
  private List<LeakFrame> freed;
  private List<String> marks;

  private final LongConsumer covered;

  private LinesParser(LongConsumer covered) {
    this.covered = covered;
  }

  static LeakReport parse(String lines) throws ReporterException {
    return parse(lines, any -> {});
  }

  /**
   * The report.
   *
   * @param covered is given what rules match for sure, as {@link CoveredSites} knows it
   */
  static LeakReport parse(String lines, LongConsumer covered) throws ReporterException {
    LinesParser parser = new LinesParser(covered);
    int number = 0;
    for (String line : lines.split("\n")) {
      number++;
      try {
        parser.take(Row.of(line), number == 1);
      } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
        throw new ReporterException(
            "line " + number + " of the report is malformed: " + line + " (" + e + ")", e);
      }
    }
    return parser.finish();
  }

  private void take(Row row, boolean first) {
    if (first != row.name().equals(HEADER) || ended) {
      throw new IllegalArgumentException(first ? "no header" : "out of place");
    }
    switch (row.name()) {
      case HEADER:
        if (!row.text(1).equals(VERSION)) {
          throw new IllegalArgumentException("only version " + VERSION + " is understood");
        }
        break;
      case "json":
        json = row.text(1);
        break;
      case "total":
        bytes = row.number(1);
        count = row.number(2);
        break;
      case "note":
        notes.add(row.text(1));
        break;
      case "site":
      case "held":
      case "known":
        open(row);
        frames = new ArrayList<>();
        break;
      case "judged":
        if (frames == null || !frames.isEmpty()) {
          throw new IllegalArgumentException("a verdict outside a site");
        }
        judged = row;
        break;
      case "library":
        if (judged == null || frames == null || !frames.isEmpty()) {
          throw new IllegalArgumentException("a known leak outside a site");
        }
        library = row.text(1);
        break;
      case "own":
        if (judged == null || frames == null || !frames.isEmpty()) {
          throw new IllegalArgumentException("frames of nobody");
        }
        own = row.line(1);
        owner = row.text(2).isEmpty() ? -1 : row.line(2);
        break;
      case "scope":
        if (judged == null || frames == null || !frames.isEmpty()) {
          throw new IllegalArgumentException("a scope outside a site");
        }
        shares.add(new LeakShare(row.text(3), row.number(1), row.number(2)));
        break;
      case "invalidFree":
        open(row);
        break;
      case "freed":
        frames = freed = stackOfInvalidFree();
        break;
      case "allocated":
        frames = stackOfInvalidFree();
        break;
      case "java":
        stack().add(javaFrame(row));
        break;
      case "native":
        stack().add(nativeFrame(row));
        break;
      case "mark":
        stack();
        marks.add(row.text(1));
        break;
      case "verdict":
        verdict = row.text(1);
        break;
      case "incomplete":
        incomplete.add(row.text(1));
        break;
      case "blind":
        blind.add(row.text(1) + ": " + row.text(2));
        break;
      case "strict":
        strict = true;
        break;
      case "unseen":
        unseen = row.text(1);
        break;
      case "covered":
        covered.accept(CoveredSites.site(row.number(1), row.number(2)));
        break;
      case "text":
        text.add(row.text(1));
        break;
      case "end":
        close();
        ended = true;
        break;
      default:
        throw new IllegalArgumentException("unknown row");
    }
  }

  private List<LeakFrame> stack() {
    if (frames == null) {
      throw new IllegalArgumentException("a frame outside a stack");
    }
    return frames;
  }

  private List<LeakFrame> stackOfInvalidFree() {
    if (open == null || !open.name().equals("invalidFree")) {
      throw new IllegalArgumentException("a stack outside an invalid free");
    }
    return new ArrayList<>();
  }

  private void open(Row row) {
    close();
    open = row;
    judged = null;
    library = "";
    own = -1;
    owner = -1;
    shares = new ArrayList<>();
    frames = null;
    freed = null;
    marks = new ArrayList<>();
  }

  private void close() {
    if (open == null) {
      return;
    }
    if (open.name().equals("site")) {
      sites.add(site());
    } else if (open.name().equals("held")) {
      held.add(site());
    } else if (open.name().equals("known")) {
      known.add(site());
    } else if (freed == null || freed == frames) {
      throw new IllegalArgumentException("an invalid free without its two stacks");
    } else {
      invalidFrees.add(
          new InvalidFree(
              open.text(1),
              open.number(2),
              open.text(3),
              open.number(4),
              open.text(5),
              freed,
              frames));
    }
    open = null;
    frames = null;
  }

  private LeakSite site() {
    LeakVerdict verdict = judged == null ? LeakVerdict.UNKNOWN : LeakVerdict.of(judged.text(1));
    String holder = judged == null ? "" : judged.text(2);
    return new LeakSite(
        open.number(1),
        open.number(2),
        open.text(3),
        frames,
        marks,
        verdict,
        holder,
        library,
        own,
        owner,
        shares);
  }

  private static LeakFrame javaFrame(Row row) {
    return new JavaFrame(row.text(1), row.text(2), row.text(3), row.line(4), row.flag(5));
  }

  private static LeakFrame nativeFrame(Row row) {
    return new NativeFrame(
        row.text(1), row.text(2), row.line(3), row.text(4), row.hex(5), row.flag(6));
  }

  private LeakReport finish() throws ReporterException {
    if (!ended || count < 0) {
      throw new ReporterException("the report is incomplete: its end or its total is missing");
    }
    List<String> shown = text.isEmpty() ? LeakText.of(bytes, count, sites, notes) : text;
    return new LeakReport(bytes, count, sites, notes, json, shown)
        .withHeld(held)
        .withKnown(known)
        .withInvalidFrees(invalidFrees, verdict.equals("invalidFrees"))
        .withBlind(blind, strict)
        .withUnseen(unseen)
        .withIncomplete(incomplete);
  }
}
