package dev.hackleak.junit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.hackleak.LeakError;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.testkit.engine.Event;
import org.junit.platform.testkit.engine.Events;
import org.opentest4j.TestAbortedException;

class NoLeaksTest {
  @Test
  void exactlyTheTestThatLeaksFails() {
    Events tests = Recorded.run(Samples.OneLeaks.class);
    assertEquals("{clean()=SUCCESSFUL, leaks()=FAILED}", outcomes(tests).toString());
    LeakError error = (LeakError) failure(tests);
    assertEquals(3, error.report().count());
    assertTrue(error.getMessage().contains("5,999,979 bytes in 3 blocks"), error.getMessage());
  }

  @Test
  void beforeEachAndAfterEachAreCovered() {
    Events tests = Recorded.run(Samples.BeforeEachAllocates.class);
    assertEquals("{freedInAfterEach()=SUCCESSFUL, freedNowhere()=FAILED}", outcomes(tests) + "");
  }

  @Test
  void onlyAnnotatedMethodsAreChecked() {
    Events tests = Recorded.run(Samples.OneMethod.class);
    assertEquals("{annotated()=FAILED, plain()=SUCCESSFUL}", outcomes(tests).toString());
  }

  @Test
  void metaAnnotationsInheritanceAndNestingAreFollowed() {
    assertEquals("{leaks()=FAILED}", outcomes(Recorded.run(Samples.Meta.class)).toString());
    assertEquals("{leaks()=FAILED}", outcomes(Recorded.run(Samples.Inherited.class)).toString());
    assertEquals("{leaks()=FAILED}", outcomes(Recorded.run(Samples.Nesting.class)).toString());
  }

  @Test
  void everyInvocationIsCheckedByItself() {
    Events tests = Recorded.run(Samples.Repeated.class);
    assertEquals(2, tests.failed().count());
    assertEquals(1, tests.succeeded().count());
  }

  @Test
  void garbageIsSettledUnlessTheNearestAnnotationSaysNo() {
    Events tests = Recorded.run(Samples.Garbage.class);
    assertEquals("{settled()=SUCCESSFUL, unsettled()=FAILED}", outcomes(tests).toString());
  }

  @Test
  void theTestsOwnFailureStaysTheFailure() {
    Throwable failure = failure(Recorded.run(Samples.FailsAndLeaks.class));
    assertEquals("mine", failure.getMessage());
    assertEquals(1, failure.getSuppressed().length);
    assertEquals(LeakError.class, failure.getSuppressed()[0].getClass());
  }

  @Test
  void anAbortedTestThatLeaksFails() {
    Throwable failure = failure(Recorded.run(Samples.AbortsAndLeaks.class));
    assertEquals(LeakError.class, failure.getClass());
    assertEquals(TestAbortedException.class, failure.getSuppressed()[0].getClass());
  }

  private static Map<String, TestExecutionResult.Status> outcomes(Events tests) {
    Map<String, TestExecutionResult.Status> outcomes = new TreeMap<>();
    for (Event event : tests.finished().list()) {
      outcomes.put(
          event.getTestDescriptor().getDisplayName(),
          event.getRequiredPayload(TestExecutionResult.class).getStatus());
    }
    return outcomes;
  }

  private static Throwable failure(Events tests) {
    assertEquals(1, tests.failed().count());
    Throwable failure =
        tests
            .failed()
            .list()
            .get(0)
            .getRequiredPayload(TestExecutionResult.class)
            .getThrowable()
            .orElse(null);
    assertNotNull(failure);
    return failure;
  }
}
