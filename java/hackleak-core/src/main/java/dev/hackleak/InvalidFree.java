package dev.hackleak;

import java.io.Serializable;
import java.util.List;

/**
 * An invalid free: by a function of another family, twice, through a pointer inside the block, with
 * another size, of what was not allocated, or under a direct byte buffer. What is given back may be
 * memory, a JNI resource or a file descriptor. Immutable.
 */
public final class InvalidFree implements Serializable {
  private static final long serialVersionUID = 1;

  private final String problem;
  private final long count;
  private final String kind;
  private final long bytes;
  private final String description;
  private final List<LeakFrame> freed;
  private final List<LeakFrame> allocated;

  InvalidFree(
      String problem,
      long count,
      String kind,
      long bytes,
      String description,
      List<LeakFrame> freed,
      List<LeakFrame> allocated) {
    this.problem = problem;
    this.count = count;
    this.kind = kind;
    this.bytes = bytes;
    this.description = description;
    this.freed = Immutable.copyOf(freed);
    this.allocated = Immutable.copyOf(allocated);
  }

  /**
   * What is invalid: {@code mismatch}, {@code doubleFree}, {@code interior}, {@code size}, {@code
   * notAllocated} or {@code underBuffer}.
   */
  public String problem() {
    return problem;
  }

  /** How often it was seen with these stacks. */
  public long count() {
    return count;
  }

  /** How the block was allocated: {@code new}, {@code malloc}, and so on. */
  public String kind() {
    return kind;
  }

  /** Size of the block, as the program requested it. */
  public long bytes() {
    return bytes;
  }

  /** What happened, in one clause. */
  public String description() {
    return description;
  }

  /** The merged stack of the free, innermost frame first. */
  public List<LeakFrame> freed() {
    return freed;
  }

  /** The merged stack of the allocation, innermost frame first. */
  public List<LeakFrame> allocated() {
    return allocated;
  }

  @Override
  public String toString() {
    return description;
  }
}
