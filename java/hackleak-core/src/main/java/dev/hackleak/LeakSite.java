package dev.hackleak;

import java.io.Serializable;
import java.util.List;

/** All leaks that one and the same stack allocated. Immutable. */
public final class LeakSite implements Serializable {
  private static final long serialVersionUID = 1;

  private final long bytes;
  private final long count;
  private final String kind;
  private final List<LeakFrame> frames;
  private final List<String> marks;

  LeakSite(long bytes, long count, String kind, List<LeakFrame> frames, List<String> marks) {
    this.bytes = bytes;
    this.count = count;
    this.kind = kind;
    this.frames = Immutable.copyOf(frames);
    this.marks = Immutable.copyOf(marks);
  }

  /** Live bytes, as the program requested them. */
  public long bytes() {
    return bytes;
  }

  /** Live blocks. */
  public long count() {
    return count;
  }

  /** How they were allocated: {@code new}, {@code new[]}, and so on. */
  public String kind() {
    return kind;
  }

  /** The merged stack, innermost first: native frames, then the Java frames that called them. */
  public List<LeakFrame> frames() {
    return frames;
  }

  /** What is known to be incomplete about the stack; empty for a whole one. */
  public List<String> marks() {
    return marks;
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(LeakText.amount(bytes, count) + ", " + kind);
    for (String line : StackText.of(frames)) {
      text.append("\n    ").append(line);
    }
    for (String mark : marks) {
      text.append("\n    (").append(mark).append(')');
    }
    return text.toString();
  }
}
