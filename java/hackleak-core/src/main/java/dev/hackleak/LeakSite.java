package dev.hackleak;

import java.io.Serializable;
import java.util.List;
import java.util.Optional;

/** All blocks that one and the same stack allocated and that are still live. Immutable. */
public final class LeakSite implements Serializable {
  private static final long serialVersionUID = 1;

  private final long bytes;
  private final long blocks;
  private final String kind;
  private final List<LeakFrame> frames;
  private final List<String> marks;
  private final LeakVerdict verdict;
  private final String holder;
  private final String library;

  /** How many frames do not only say how the test was started; below zero if nobody told. */
  private final int own;

  /** The frame of the Java code that it belongs to; below zero if there is none. */
  private final int owner;

  private final List<LeakShare> shares;

  LeakSite(
      long bytes,
      long blocks,
      String kind,
      List<LeakFrame> frames,
      List<String> marks,
      LeakVerdict verdict,
      String holder,
      String library,
      int own,
      int owner,
      List<LeakShare> shares) {
    this.bytes = bytes;
    this.blocks = blocks;
    this.kind = kind;
    this.frames = Immutable.copyOf(frames);
    this.marks = Immutable.copyOf(marks);
    this.verdict = verdict;
    this.holder = holder;
    this.library = library;
    this.own = own;
    this.owner = owner;
    this.shares = Immutable.copyOf(shares);
  }

  /** Live bytes, as the program requested them. */
  public long bytes() {
    return bytes;
  }

  /** Live blocks. */
  public long blocks() {
    return blocks;
  }

  /** How they were allocated: {@code new}, {@code new[]}, and so on. */
  public String kind() {
    return kind;
  }

  /** The merged stack, innermost first: native frames, then the Java frames that called them. */
  public List<LeakFrame> frames() {
    return frames;
  }

  /**
   * Where to look first: the line of the test, or of the project's code, that led to the
   * allocation.
   */
  public Optional<JavaFrame> owner() {
    if (owner < 0 || owner >= frames.size() || !frames.get(owner).isJava()) {
      return javaStack().stream().filter(frame -> !frame.isNativeMethod()).findFirst();
    }
    return Optional.of((JavaFrame) frames.get(owner));
  }

  /** The Java frames without those of the test framework. */
  List<JavaFrame> javaStack() {
    return OwnFrames.java(own < 0 || own > frames.size() ? frames : frames.subList(0, own));
  }

  /** What is known to be incomplete about the stack; empty for a whole one. */
  public List<String> marks() {
    return marks;
  }

  /** What is known of who holds these blocks. */
  public LeakVerdict verdict() {
    return verdict;
  }

  /**
   * Who holds them, if somebody does: the global, the thread or the Java field, and what lies
   * between it and the blocks.
   */
  public Optional<String> holder() {
    return holder.isEmpty() ? Optional.empty() : Optional.of(holder);
  }

  /**
   * What was allocated in which {@linkplain LeakScope scope}, one entry for each name. Blocks that
   * were allocated in no scope are the rest.
   */
  public List<LeakShare> scopes() {
    return shares;
  }

  /**
   * Whose known leak it is, and where it was reported, if it is one: {@code known leak of
   * rocksdbjni, facebook/rocksdb#15036}.
   */
  public Optional<String> knownLeak() {
    return library.isEmpty() ? Optional.empty() : Optional.of(library);
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(LeakText.amount(bytes, blocks, kind));
    holder().ifPresent(holder -> text.append("\n    held by ").append(holder));
    knownLeak().ifPresent(known -> text.append("\n    ").append(known));
    for (String line : StackText.of(frames)) {
      text.append("\n    ").append(line);
    }
    for (String mark : marks) {
      text.append("\n    (").append(mark).append(')');
    }
    return text.toString();
  }
}
