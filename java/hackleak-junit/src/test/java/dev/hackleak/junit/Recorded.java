package dev.hackleak.junit;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import dev.hackleak.SimulatedRecording;
import java.util.List;
import org.junit.platform.testkit.engine.EngineExecutionResults;
import org.junit.platform.testkit.engine.EngineTestKit;
import org.junit.platform.testkit.engine.Events;

/** Runs test classes in a JVM that looks recorded; they allocate through {@link #recording}. */
final class Recorded {
  static SimulatedRecording recording;

  private Recorded() {}

  static Events run(Class<?> tests) {
    try (SimulatedRecording active = SimulatedRecording.active()) {
      recording = active;
      return execute(tests).testEvents();
    } finally {
      recording = null;
    }
  }

  /** The names of the tests of a class that were asserted. */
  static List<String> asserted(Class<?> tests) {
    try (SimulatedRecording simulated = SimulatedRecording.active()) {
      recording = simulated;
      execute(tests);
      return simulated.asserted();
    }
  }

  /** With configuration parameters, {@code key=value}. */
  static EngineExecutionResults runAll(Class<?> tests, String... parameters) {
    try (SimulatedRecording active = SimulatedRecording.active()) {
      recording = active;
      return execute(tests, parameters);
    } finally {
      recording = null;
    }
  }

  static EngineExecutionResults execute(Class<?> tests, String... parameters) {
    EngineTestKit.Builder kit = EngineTestKit.engine("junit-jupiter").selectors(selectClass(tests));
    for (String parameter : parameters) {
      String[] pair = parameter.split("=");
      kit.configurationParameter(pair[0], pair[1]);
    }
    return kit.execute();
  }
}
