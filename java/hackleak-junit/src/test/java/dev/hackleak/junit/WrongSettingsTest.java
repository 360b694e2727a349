package dev.hackleak.junit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.testkit.engine.EngineExecutionResults;
import org.junit.platform.testkit.engine.Event;

/** A setting of an annotation that cannot be used is named as the annotation has it. */
class WrongSettingsTest {
  static class Wrong {
    @Test
    @NoLeaks(repeat = 65)
    void tooMany() {}

    @Test
    @NoLeaks(warmup = -1)
    void belowZero() {}

    @Test
    @NoLeaks(allowBytes = -5)
    void bytes() {}

    @Test
    @NoLeaks(allowBlocks = -2)
    void blocks() {}

    @Test
    @NoLeaks(allowBytes = -1, allowBlocks = 0)
    void right() {}
  }

  static class Plain {
    @Test
    @NoLeaks
    void repeated() {}
  }

  private static Map<String, String> messages(EngineExecutionResults results) {
    Map<String, String> messages = new TreeMap<>();
    for (Event event : results.testEvents().failed().list()) {
      TestExecutionResult result = event.getRequiredPayload(TestExecutionResult.class);
      String message = result.getThrowable().get().getMessage();
      messages.put(event.getTestDescriptor().getDisplayName(), message);
    }
    return messages;
  }

  @Test
  void annotationsAreNamed() {
    Map<String, String> expected = new TreeMap<>();
    expected.put("tooMany()", "@NoLeaks(repeat = 65): repeat is a number, 1 to 64");
    expected.put("belowZero()", "@NoLeaks(warmup = -1): warmup is a number, 0 or more");
    expected.put("bytes()", "@NoLeaks(allowBytes = -5): allowBytes is a number, 0 or more");
    expected.put("blocks()", "@NoLeaks(allowBlocks = -2): allowBlocks is a number, 0 or more");
    assertEquals(expected, messages(Recorded.runAll(Wrong.class)));
  }

  @Test
  void soArePropertiesOfTheSuite() {
    assertEquals(
        "{repeated()=hackleak.repeat is a number, 1 to 64, not \"65\"}",
        messages(Recorded.runAll(Plain.class, "hackleak.repeat=65")).toString());
    assertEquals(
        "{repeated()=hackleak.warmup is a number, 0 or more, not \"-1\"}",
        messages(Recorded.runAll(Plain.class, "hackleak.warmup=-1")).toString());
  }
}
