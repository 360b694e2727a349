package dev.hackleak.testng;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.hackleak.SimulatedRecording;
import java.util.Map;
import java.util.TreeMap;
import org.testng.ITestResult;
import org.testng.TestListenerAdapter;
import org.testng.TestNG;
import org.testng.annotations.DataProvider;
import org.testng.annotations.Test;

class NativeMemoryTest {
  private static SimulatedRecording recording;

  @NativeMemory(allocations = 2)
  public static class Limited {
    @DataProvider
    public Object[][] counts() {
      return new Object[][] {{1}, {2}, {3}};
    }

    @Test(dataProvider = "counts")
    public void ofClass(int count) {
      recording.allocate(count);
    }

    @Test
    @NoLeaks
    @NativeMemory(peakBytes = 1_999_993)
    public void ofMethod() {
      for (int i = 0; i < 4; i++) {
        recording.allocate(1);
        recording.freeNewest(1);
      }
    }

    @Test
    @NativeMemory(peakBytes = 1_999_992)
    public void beyond() {
      recording.allocate(1);
    }
  }

  private static Map<String, String> run(Class<?> tests) {
    TestListenerAdapter results = new TestListenerAdapter();
    TestNG testng = new TestNG(false);
    testng.setTestClasses(new Class<?>[] {tests});
    testng.addListener(results);
    Map<String, String> outcomes = new TreeMap<>();
    try (SimulatedRecording active = SimulatedRecording.active()) {
      recording = active;
      testng.run();
    } finally {
      recording = null;
    }
    for (ITestResult result : results.getPassedTests()) {
      outcomes.merge(result.getName(), "passed", (one, other) -> one + ", " + other);
    }
    for (ITestResult result : results.getFailedTests()) {
      String message = result.getThrowable().getMessage();
      outcomes.merge(result.getName(), message, (one, other) -> one + ", " + other);
    }
    return outcomes;
  }

  @org.junit.jupiter.api.Test
  void testsBeyondTheirLimitsFail() {
    Map<String, String> outcomes = run(Limited.class);
    assertEquals(
        "passed, passed, `Limited > ofClass(3)` made 3 native allocations; its limit is 2"
            + " (allocations = 2)",
        outcomes.get("ofClass"));
    assertEquals("passed", outcomes.get("ofMethod"));
    assertEquals(
        "`Limited > beyond` had 1,999,993 bytes (1.91 MiB) of native memory live at its peak;"
            + " its limit is 1,999,992 bytes (1.91 MiB) (peakBytes = 1999992)",
        outcomes.get("beyond"));
  }
}
