package dev.hackleak;

import java.util.ArrayList;
import java.util.List;

/**
 * A merged stack in lines, as the reporter prints it: Java above native. A call from Java into
 * native code and back has two such parts, the outer one after "called from". The innermost frames
 * say most, so each part is cut after some.
 */
final class StackText {
  private static final int MAX_FRAMES = 20;

  private StackText() {}

  static List<String> of(List<LeakFrame> frames) {
    List<String> lines = new ArrayList<>();
    List<LeakFrame> called = new ArrayList<>();
    int at = 0;
    while (at < frames.size()) {
      int java = end(frames, at, false);
      called.addAll(frames.subList(at, java));
      int end = end(frames, java, true);
      if (!lines.isEmpty()) {
        lines.add("called from");
      }
      addJava(frames.subList(java, end), lines);
      addNative(called, java < end, lines);
      called.clear();
      at = end;
    }
    return lines;
  }

  /** Where the run of Java or native frames ends that begins at {@code start}. */
  private static int end(List<LeakFrame> frames, int start, boolean java) {
    int end = start;
    while (end < frames.size() && frames.get(end).isJava() == java) {
      end++;
    }
    return end;
  }

  private static void addNative(List<LeakFrame> frames, boolean belowJava, List<String> lines) {
    if (belowJava && !frames.isEmpty()) {
      lines.add("native:");
    }
    String indent = belowJava ? "  " : "";
    for (int i = 0; i < Math.min(frames.size(), MAX_FRAMES); i++) {
      lines.add(indent + "#" + i + " " + frames.get(i));
    }
    addRest(indent, frames, lines);
  }

  private static void addJava(List<LeakFrame> frames, List<String> lines) {
    frames.stream().limit(MAX_FRAMES).forEach(frame -> lines.add("at " + frame));
    addRest("", frames, lines);
  }

  private static void addRest(String indent, List<LeakFrame> frames, List<String> lines) {
    if (frames.size() > MAX_FRAMES) {
      lines.add(indent + "... " + (frames.size() - MAX_FRAMES) + " more frames");
    }
  }
}
