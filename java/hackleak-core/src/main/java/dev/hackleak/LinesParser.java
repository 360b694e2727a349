package dev.hackleak;

import java.util.ArrayList;
import java.util.List;

/**
 * Reads the format {@code lines}, in which the reporter and the recorder answer.
 *
 * <p>Each line is a row of fields between tabs, the first of which names the row; a backslash, a
 * tab and a line feed inside a field are written {@code \\}, {@code \t} and {@code \n}. The rows:
 *
 * <pre>
 * hackleak-lines  1
 * json    path
 * total   bytes  blocks
 * note    text
 * site    bytes  blocks  kind          its stack follows, innermost frame first
 * java    class  method  file  line  native(0|1)
 * native  function  file  line  module  offset-hex  inlined(0|1)
 * mark    text
 * text    line of the human rendering
 * end
 * </pre>
 *
 * Whatever deviates from this is an error: a report that was cut off must not look like a small
 * one.
 */
final class LinesParser {
  private static final String HEADER = "hackleak-lines";
  private static final String VERSION = "1";

  private final List<LeakSite> sites = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();
  private final List<String> text = new ArrayList<>();
  private String json;
  private long bytes = -1;
  private long count = -1;
  private boolean ended;

  private Row site;
  private List<LeakFrame> frames = new ArrayList<>();
  private List<String> marks = new ArrayList<>();

  private LinesParser() {}

  static LeakReport parse(String lines) throws ReporterException {
    LinesParser parser = new LinesParser();
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
        closeSite();
        site = row;
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
      case "text":
        text.add(row.text(1));
        break;
      case "end":
        closeSite();
        ended = true;
        break;
      default:
        throw new IllegalArgumentException("unknown row");
    }
  }

  private List<LeakFrame> stack() {
    if (site == null) {
      throw new IllegalArgumentException("a frame outside a site");
    }
    return frames;
  }

  private void closeSite() {
    if (site != null) {
      sites.add(new LeakSite(site.number(1), site.number(2), site.text(3), frames, marks));
      site = null;
      frames = new ArrayList<>();
      marks = new ArrayList<>();
    }
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
    return new LeakReport(bytes, count, sites, notes, json, shown);
  }
}
