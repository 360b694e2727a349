package dev.hackleak;

import java.util.Optional;

/** Whether this JVM is recorded, and by what; decided on first use and kept from then on. */
final class Recording {
  private static volatile Recording current;

  private final Recorder recorder;
  private final String reason;
  private final Throwable cause;

  private Recording(Recorder recorder, String reason, Throwable cause) {
    this.recorder = recorder;
    this.reason = reason;
    this.cause = cause;
  }

  static Recording active(Recorder recorder) {
    return new Recording(recorder, null, null);
  }

  /**
   * A JVM that is not recorded.
   *
   * @param reason completes "this JVM is not recorded: ..."
   * @param cause what went wrong, or null when nothing did
   */
  static Recording inactive(String reason, Throwable cause) {
    return new Recording(null, reason, cause);
  }

  /**
   * This JVM's recording. It is bound here rather than in a static initialiser, which would turn a
   * failed load into a NoClassDefFoundError without its cause for every caller but the first.
   */
  static Recording current() {
    Recording found = current;
    if (found == null) {
      synchronized (Recording.class) {
        found = current;
        if (found == null) {
          found = NativeRecorder.bind();
          current = found;
        }
      }
    }
    return found;
  }

  /** Replaces this JVM's recording and returns the one before: for tests, which simulate one. */
  static Recording replace(Recording recording) {
    synchronized (Recording.class) {
      Recording before = current;
      current = recording;
      return before;
    }
  }

  boolean isActive() {
    return recorder != null;
  }

  /** What changes that, as a sentence without its end. */
  String remedy() {
    return Remedy.of(reason, isLoaded());
  }

  /** Whether the reason comes from a recorder that is there. */
  private boolean isLoaded() {
    return cause instanceof IllegalStateException;
  }

  /** Why this JVM is not recorded; empty when it is. */
  Optional<String> reason() {
    return Optional.ofNullable(reason);
  }

  /**
   * The recorder, or empty when this JVM is not recorded and need not be.
   *
   * @throws IllegalStateException if this JVM is not recorded although {@value
   *     SystemProperties#REQUIRED} is true
   */
  Optional<Recorder> recorder() {
    if (recorder == null && SystemProperties.required()) {
      throw new IllegalStateException(
          "-D"
              + SystemProperties.REQUIRED
              + "=true, but this JVM is not recorded: "
              + reason
              + "; "
              + Remedy.brief(reason, isLoaded()),
          cause);
    }
    return Optional.ofNullable(recorder);
  }
}
