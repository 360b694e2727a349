package dev.hackleak;

import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.List;
import java.util.stream.Collectors;

/** Makes this JVM look recorded, or unrecorded, until it is closed. For one test at a time. */
public final class SimulatedRecording implements AutoCloseable {
  private final SimulatedRecorder recorder;
  private final Recording before;

  private SimulatedRecording(SimulatedRecorder recorder, Recording recording) {
    this.recorder = recorder;
    this.before = Recording.replace(recording);
  }

  /** A JVM that is recorded, with nothing live. */
  public static SimulatedRecording active() {
    SimulatedRecorder recorder = new SimulatedRecorder();
    return new SimulatedRecording(recorder, Recording.active(recorder));
  }

  /** A JVM that is not recorded, for this reason. */
  public static SimulatedRecording inactive(String reason) {
    return new SimulatedRecording(null, Recording.inactive(reason, null));
  }

  /** Allocates blocks of 1,999,993 bytes. */
  public void allocate(int count) {
    recorder.allocate(count);
  }

  /** Frees the blocks that were allocated last. */
  public void freeNewest(int count) {
    recorder.freeNewest(count);
  }

  /** Runs this at each forced garbage collection. */
  public void onGc(Runnable action) {
    recorder.onGc = action;
  }

  /** How many garbage collections were forced. */
  public int gcs() {
    return recorder.gcs;
  }

  /** Lets leaks be judged, by a reporter that is not there. */
  public void reachable() {
    recorder.description = SimulatedRecorder.reachable(Paths.get("nowhere"));
  }

  /** The same, with the image {@code run.hackleak} and the reporter in a folder. */
  public void reachable(Path folder) {
    recorder.description = SimulatedRecorder.reachable(folder);
  }

  /** The objects that the last judging took for finished. */
  public List<Object> finished() {
    return recorder.notHolding;
  }

  /** The names of the tests that were asserted. */
  public List<String> asserted() {
    return recorder.assertions.stream().map(ended -> ended.label).collect(Collectors.toList());
  }

  SimulatedRecorder recorder() {
    return recorder;
  }

  @Override
  public void close() {
    Recording.replace(before);
  }
}
