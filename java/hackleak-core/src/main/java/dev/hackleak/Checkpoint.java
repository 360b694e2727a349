package dev.hackleak;

import java.util.Optional;

/**
 * A moment in the life of this process: whatever native memory is allocated later and still live at
 * a check has leaked since then.
 *
 * <p>Immutable and safe to share between threads. A checkpoint counts for the whole process, not
 * only for the thread that took it.
 */
public final class Checkpoint {
  private static final int UNRECORDED = -1;

  private final int epoch;
  private final String label;
  private final long cudfLeaks;

  private Checkpoint(int epoch, String label, long cudfLeaks) {
    this.epoch = epoch;
    this.label = label;
    this.cudfLeaks = cudfLeaks;
  }

  static Checkpoint at(int epoch, String label) {
    return new Checkpoint(epoch, label, CudfCleaner.leaked());
  }

  /** A later one, in whose name it is reported. */
  Checkpoint at(int laterEpoch) {
    return new Checkpoint(laterEpoch, label, cudfLeaks);
  }

  /** What a JVM that is not recorded hands out: nothing ever leaks since it. */
  static Checkpoint unrecorded(String label) {
    return new Checkpoint(UNRECORDED, label, 0);
  }

  /** Everything that was recorded since the process began. */
  static Checkpoint processStart() {
    return new Checkpoint(0, "the start of the process", 0);
  }

  /** How many objects cuDF's cleaner had freed by then that nobody had closed. */
  long cudfLeaks() {
    return cudfLeaks;
  }

  /** The number of the epoch that began here; later checkpoints of the process have higher ones. */
  public int epoch() {
    return epoch;
  }

  /** The name it was given, if any. */
  public Optional<String> label() {
    return Optional.ofNullable(label);
  }

  /** False when this JVM was not recorded, so that no leak can be known since this checkpoint. */
  public boolean isRecorded() {
    return epoch != UNRECORDED;
  }

  @Override
  public String toString() {
    if (epoch == 0) {
      return label;
    }
    String name = label == null ? "checkpoint" : "checkpoint \"" + label + "\"";
    return isRecorded() ? name + " (epoch " + epoch + ")" : name + " (unrecorded)";
  }
}
