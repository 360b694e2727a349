package dev.hackleak.junit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.hackleak.LeakError;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.testkit.engine.EngineExecutionResults;
import org.junit.platform.testkit.engine.Event;
import org.junit.platform.testkit.engine.Events;

class NoLeaksTest {
  @Test
  void exactlyTheTestThatLeaksFails() {
    Events tests = Recorded.run(Samples.OneLeaks.class);
    assertEquals("{clean()=SUCCESSFUL, leaks()=FAILED}", outcomes(tests).toString());
    LeakError error = (LeakError) failure(tests);
    assertEquals(3, error.report().blocks());
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
  void namesOfTestsAreWhole() {
    assertEquals(
        Arrays.asList(
            "Naming > Inner > param(int) > [1] 1",
            "Naming > Inner > param(int) > [2] 2",
            "Naming > Inner > tests() > dynamic",
            "Naming > Inner > tests()"),
        Recorded.asserted(Samples.Naming.class));
  }

  @Test
  void theSuiteDecidesWhatAnAnnotationLeavesOpen() {
    Class<?> tests = Samples.CountsRounds.class;
    // One test is annotated with two rounds, the other with none.
    assertEquals(1 + 2, Samples.rounds(() -> Recorded.runAll(tests)));
    assertEquals(3 + 2, Samples.rounds(() -> Recorded.runAll(tests, "hackleak.repeat=3")));
    assertEquals(5 + 6, Samples.rounds(() -> Recorded.runAll(tests, "hackleak.warmup=4")));
    assertEquals(1, Recorded.runAll(Samples.OneLeaks.class).testEvents().failed().count());
    // Rounds that an annotation asks for are rounds of single tests.
    assertEquals(
        2,
        Samples.rounds(() -> Recorded.runAll(Samples.ClassOfRounds.class, "hackleak.per=class")));
    EngineExecutionResults perClass =
        Recorded.runAll(Samples.OneLeaks.class, "hackleak.per=class", "hackleak.repeat=3");
    assertEquals(0, perClass.testEvents().failed().count());
    assertEquals(1, perClass.containerEvents().failed().count());
    for (String wrong : new String[] {"repeat=none", "warmup=-1", "per=x"}) {
      EngineExecutionResults refused = Recorded.runAll(tests, "hackleak." + wrong);
      assertEquals(1, refused.containerEvents().failed().count(), wrong);
    }
  }

  @Test
  void theTestsOwnFailureStaysTheFailure() {
    Throwable failure = failure(Recorded.run(Samples.FailsAndLeaks.class));
    assertEquals("mine", failure.getMessage());
    assertEquals(1, failure.getSuppressed().length);
    assertEquals(LeakError.class, failure.getSuppressed()[0].getClass());
  }

  @Test
  void theNearestAnnotationDecidesWhetherLeaksAreIgnored() {
    assertEquals(
        "{ignored()=SUCCESSFUL, leaks()=FAILED}",
        outcomes(Recorded.run(Samples.Ignoring.class)) + "");
    assertEquals(
        "{ignored()=SUCCESSFUL, leaks()=FAILED}",
        outcomes(Recorded.run(Samples.IgnoringClass.class)) + "");
  }

  @Test
  void eachDynamicTestIsCheckedByItself() {
    EngineExecutionResults results = Recorded.runAll(Samples.Factory.class);
    assertEquals(
        "{clean=SUCCESSFUL, clean, too=SUCCESSFUL, leaky=FAILED}",
        outcomes(results.testEvents()).toString());
    assertEquals(0, results.containerEvents().failed().count());
  }

  @Test
  void whatAFactoryLeaksAroundItsTestsIsItsOwn() {
    EngineExecutionResults results = Recorded.runAll(Samples.LeakyFactory.class);
    assertEquals("{clean=SUCCESSFUL}", outcomes(results.testEvents()).toString());
    assertEquals(1, results.containerEvents().failed().count());
  }

  @Test
  void parametersAreCheckedOneByOne() {
    Events tests = Recorded.run(Samples.Parameterized.class);
    assertEquals(
        "{[1] 0=SUCCESSFUL, [2] 2=FAILED, [3] 0=SUCCESSFUL}",
        outcomes(tests).toString().replaceAll("count ?= ?", ""));
  }

  @Test
  void onlyWhatGrowsWithEachRoundCounts() {
    Samples.Rounds.once = 0;
    Events tests = Recorded.run(Samples.Rounds.class);
    Map<String, TestExecutionResult.Status> outcomes = outcomes(tests);
    assertEquals(
        "{failsInARound()=FAILED, grows as well=FAILED, grows()=FAILED,"
            + " initialises()=SUCCESSFUL, repetition 1 of 2=FAILED, repetition 2 of 2=FAILED}",
        outcomes.toString());
    for (Event event : tests.failed().list()) {
      Throwable failure =
          event.getRequiredPayload(TestExecutionResult.class).getThrowable().orElse(null);
      boolean own = event.getTestDescriptor().getDisplayName().equals("failsInARound()");
      assertEquals(own ? IllegalStateException.class : LeakError.class, failure.getClass());
      assertEquals(0, failure.getSuppressed().length);
    }
  }

  @Test
  void afterAWarmUpOneRoundCounts() {
    Samples.WarmUp.once = 0;
    Events tests = Recorded.run(Samples.WarmUp.class);
    assertEquals("{initialises()=SUCCESSFUL, leaks()=FAILED}", outcomes(tests).toString());
    Throwable leak =
        tests
            .failed()
            .list()
            .get(0)
            .getRequiredPayload(TestExecutionResult.class)
            .getThrowable()
            .get();
    assertEquals(1, ((LeakError) leak).report().blocks());
  }

  @Test
  void roundsThatMeanNothingAreRefused() {
    Events tests = Recorded.run(Samples.WrongRounds.class);
    assertEquals(
        "{belowZero()=FAILED, perClassOnAMethod()=FAILED, tooMany()=FAILED}",
        outcomes(tests).toString());
  }

  @Test
  void aClassAnswersForWhatItsTestsShare() {
    EngineExecutionResults closed = Recorded.runAll(Samples.SharedAndClosed.class);
    assertEquals(0, closed.allEvents().failed().count());
    assertEquals(2, closed.testEvents().succeeded().count());
    EngineExecutionResults forgotten = Recorded.runAll(Samples.SharedAndForgotten.class);
    assertEquals("{closesItsOwn()=SUCCESSFUL}", outcomes(forgotten.testEvents()).toString());
    assertEquals(1, forgotten.containerEvents().failed().count());
  }

  @Test
  void anExtensionRegisteredByHandHasSettingsThatAnnotationsReplace() {
    Events tests = Recorded.run(Samples.Registered.class);
    assertEquals(
        "{annotated()=FAILED, grows()=FAILED, leaksInTheFirstRoundOnly()=SUCCESSFUL}",
        outcomes(tests).toString());
  }

  @Test
  void aWholeSuiteIsCheckedOnRequestOnly() {
    String detection = "junit.jupiter.extensions.autodetection.enabled=true";
    for (String all : new String[] {"hackleak.everyTest=false", "some=thing"}) {
      Events tests = Recorded.runAll(Samples.Plain.class, detection, all).testEvents();
      assertEquals("{leaks()=SUCCESSFUL}", outcomes(tests).toString());
    }
    EngineExecutionResults misspelt =
        Recorded.runAll(Samples.Plain.class, detection, "hackleak.everyTest=ture");
    assertEquals(1, misspelt.containerEvents().failed().count());
    String all = "hackleak.everyTest=true";
    Events tests = Recorded.runAll(Samples.Plain.class, detection, all).testEvents();
    assertEquals("{leaks()=FAILED}", outcomes(tests).toString());
    Events annotated = Recorded.runAll(Samples.Ignoring.class, detection, all).testEvents();
    assertEquals("{ignored()=SUCCESSFUL, leaks()=FAILED}", outcomes(annotated).toString());
  }

  @Test
  void parallelTestsAnswerForTheirOwnThread() {
    Events tests =
        Recorded.runAll(
                Samples.Together.class,
                "junit.jupiter.execution.parallel.enabled=true",
                "junit.jupiter.execution.parallel.config.strategy=fixed",
                "junit.jupiter.execution.parallel.config.fixed.parallelism=2")
            .testEvents();
    assertEquals("{clean()=SUCCESSFUL, leaky()=FAILED}", outcomes(tests).toString());
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
