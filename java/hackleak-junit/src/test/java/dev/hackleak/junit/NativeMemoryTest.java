package dev.hackleak.junit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.hackleak.LeakError;
import dev.hackleak.LimitError;
import dev.hackleak.SimulatedRecording;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.testkit.engine.Event;
import org.junit.platform.testkit.engine.Events;

class NativeMemoryTest {
  private static final long BLOCK = 1_999_993;

  private static void allocate(int count) {
    Recorded.recording.allocate(count);
  }

  private static void allocateAndFree(int count) {
    allocate(count);
    Recorded.recording.freeNewest(count);
  }

  /** What each test came to, with the message of its failure. */
  private static Map<String, String> outcomes(Events tests) {
    Map<String, String> outcomes = new TreeMap<>();
    for (Event event : tests.finished().list()) {
      TestExecutionResult result = event.getRequiredPayload(TestExecutionResult.class);
      outcomes.put(
          event.getTestDescriptor().getDisplayName(),
          result.getThrowable().map(Throwable::getMessage).orElse(result.getStatus().name()));
    }
    return outcomes;
  }

  private static String exceeded(String test, String text) {
    return "`" + test + "` " + text;
  }

  private static String made(int allocations, int limit) {
    String noun = allocations == 1 ? " native allocation" : " native allocations";
    return "made "
        + allocations
        + noun
        + "; its limit is "
        + limit
        + " (allocations = "
        + limit
        + ")";
  }

  @NativeMemory(allocations = 2)
  static class OfClass {
    @BeforeEach
    void allocatesOne() {
      allocateAndFree(1);
    }

    @Test
    void within() {
      allocateAndFree(1);
    }

    @Test
    void beyond() {
      allocate(2);
    }

    @Test
    @NativeMemory(peakBytes = 3 * BLOCK)
    void ofMethod() {
      allocate(3);
    }

    @Test
    @NativeMemory(peakBytes = 3 * BLOCK - 1)
    void beyondOfMethod() {
      allocateAndFree(3);
    }
  }

  @Test
  void theMethodsLimitsCountBeforeThoseOfTheClass() {
    Map<String, String> outcomes = outcomes(Recorded.run(OfClass.class));
    assertEquals("SUCCESSFUL", outcomes.get("within()"));
    assertEquals(exceeded("OfClass > beyond()", made(3, 2)), outcomes.get("beyond()"));
    assertEquals("SUCCESSFUL", outcomes.get("ofMethod()"));
    assertEquals(
        exceeded(
            "OfClass > beyondOfMethod()",
            "had 5,999,979 bytes (5.72 MiB) of native memory live at its peak; its limit is"
                + " 5,999,978 bytes (5.72 MiB) (peakBytes = 5999978)"),
        outcomes.get("beyondOfMethod()"));
  }

  @NativeMemory(allocations = 2)
  static class EachByItself {
    @ParameterizedTest(name = "{0}")
    @ValueSource(ints = {1, 2, 3})
    void param(int count) {
      allocate(count);
    }

    @TestFactory
    Stream<DynamicTest> tests() {
      allocateAndFree(9);
      return Stream.of(1, 2, 3)
          .map(count -> DynamicTest.dynamicTest("dynamic " + count, () -> allocate(count)));
    }
  }

  @NoLeaks(per = NoLeaks.Per.CLASS)
  static class WithinAClass extends EachByItself {
    // Whoever checks the class sees what its tests have left, and this test looks at the tests
    // only.
  }

  @Test
  void eachInvocationIsCountedByItself() {
    for (Class<?> tests : new Class<?>[] {EachByItself.class, WithinAClass.class}) {
      Map<String, String> outcomes = outcomes(Recorded.run(tests));
      String name = tests.getSimpleName();
      assertEquals("SUCCESSFUL", outcomes.get("1"));
      assertEquals("SUCCESSFUL", outcomes.get("2"));
      assertEquals(exceeded(name + " > param(int) > 3", made(3, 2)), outcomes.get("3"));
      assertEquals("SUCCESSFUL", outcomes.get("dynamic 2"));
      assertEquals(
          exceeded(name + " > tests() > dynamic 3", made(3, 2)), outcomes.get("dynamic 3"));
    }
  }

  private static int round;

  static class InRounds {
    @Test
    @NoLeaks(repeat = 4)
    @NativeMemory(peakBytes = 2 * BLOCK, allocations = 2)
    void within() {
      allocateAndFree(2);
    }

    @Test
    @NoLeaks(warmup = 1, repeat = 3)
    @NativeMemory(allocations = 2)
    void beyond() {
      allocateAndFree(round++ == 2 ? 3 : round == 1 ? 9 : 1);
    }
  }

  @Test
  void eachRoundIsCountedByItself() {
    round = 0;
    Map<String, String> outcomes = outcomes(Recorded.run(InRounds.class));
    assertEquals("SUCCESSFUL", outcomes.get("within()"));
    assertEquals(
        exceeded("InRounds > beyond()", made(3, 2) + ", in one of 3 rounds"),
        outcomes.get("beyond()"));
  }

  static class WithLeaks {
    @Test
    @NoLeaks
    @NativeMemory(allocations = 0)
    void leaks() {
      allocate(1);
    }

    @Test
    @IgnoreLeaks
    @NativeMemory(allocations = 0)
    void ignores() {
      allocate(1);
    }

    @Test
    @NativeMemory(allocations = 1)
    void mayLeak() {
      allocate(1);
    }

    @Test
    @NativeMemory(allocations = 0)
    void fails() {
      allocate(1);
      throw new IllegalStateException("own");
    }
  }

  @Test
  void leaksAndFailuresGoFirst() {
    Events tests = Recorded.run(WithLeaks.class);
    Map<String, String> outcomes = outcomes(tests);
    assertTrue(outcomes.get("leaks()").contains("1,999,993 bytes in 1 block"), outcomes + "");
    assertEquals("own", outcomes.get("fails()"));
    assertEquals(exceeded("WithLeaks > ignores()", made(1, 0)), outcomes.get("ignores()"));
    assertEquals("SUCCESSFUL", outcomes.get("mayLeak()"));
    int attached = 0;
    for (Event event : tests.failed().list()) {
      Throwable failure = event.getRequiredPayload(TestExecutionResult.class).getThrowable().get();
      if (failure instanceof LeakError || failure instanceof IllegalStateException) {
        assertEquals(LimitError.class, failure.getSuppressed()[0].getClass());
        attached++;
      }
    }
    assertEquals(2, attached);
  }

  static class Wrong {
    @Test
    @NativeMemory
    void nothing() {}

    @Test
    @NativeMemory(peakBytes = -1)
    void bytes() {}

    @Test
    @NativeMemory(allocations = -5, peakBytes = 1)
    void allocations() {}
  }

  @Test
  void whatMeansNothingIsTold() {
    assertEquals(
        "{allocations()=@NativeMemory: allocations is a limit of 0 or more, not -5,"
            + " bytes()=@NativeMemory: peakBytes is a limit of 0 or more, not -1,"
            + " nothing()=@NativeMemory sets peakBytes, allocations or both}",
        outcomes(Recorded.run(Wrong.class)).toString());
  }

  static class Unrecorded {
    @Test
    @NativeMemory(allocations = 0)
    void passes() {}
  }

  @Test
  void withoutTheRecorderNothingIsCounted() {
    try (SimulatedRecording none = SimulatedRecording.inactive("of this test")) {
      assertEquals(1, Recorded.execute(Unrecorded.class).testEvents().succeeded().count());
    }
  }
}
