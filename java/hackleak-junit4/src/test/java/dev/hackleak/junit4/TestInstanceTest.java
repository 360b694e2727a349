package dev.hackleak.junit4;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertSame;

import dev.hackleak.SimulatedRecording;
import java.util.Arrays;
import java.util.List;
import org.junit.After;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.ErrorCollector;
import org.junit.rules.ExternalResource;
import org.junit.rules.RuleChain;
import org.junit.rules.Timeout;
import org.junit.runner.JUnitCore;
import org.junit.runner.RunWith;
import org.junit.runners.Parameterized;
import org.junit.runners.Parameterized.Parameter;
import org.junit.runners.Parameterized.Parameters;

/** Whoever wraps the test, its instance is found. */
public class TestInstanceTest {
  private static SimulatedRecording recording;
  private static Object instance;

  public static class Plain {
    @Rule public final NoLeaksRule noLeaks = NoLeaksRule.noLeaks();

    @Test
    public void leaks() {
      instance = this;
      recording.allocate(1);
    }
  }

  public static class Wrapped {
    @Rule
    public final RuleChain rules =
        RuleChain.outerRule(NoLeaksRule.noLeaks())
            .around(new ErrorCollector())
            .around(new ExternalResource() {})
            .around(Timeout.seconds(300))
            .around((base, description) -> base);

    @Before
    public void before() {}

    @After
    public void after() {}

    @Test(timeout = 300_000)
    public void leaks() {
      instance = this;
      recording.allocate(1);
    }
  }

  @RunWith(Parameterized.class)
  public static class WithParameters {
    static final Object MADE = new Object();

    @Rule public final NoLeaksRule noLeaks = NoLeaksRule.noLeaks();
    @Parameter public Object made;

    @Parameter(1)
    public Thread.State shared;

    @Parameters
    public static List<Object[]> parameters() {
      return Arrays.<Object[]>asList(new Object[] {MADE, Thread.State.NEW});
    }

    @Test
    public void leaks() {
      instance = this;
      recording.allocate(1);
    }
  }

  @Test
  public void theInstanceEndsWithTheTest() {
    for (Class<?> tests : Arrays.<Class<?>>asList(Plain.class, Wrapped.class)) {
      List<Object> finished = finished(tests);
      assertEquals(1, finished.size());
      assertSame(instance, finished.get(0));
    }
  }

  @Test
  public void soDoItsParametersButNoConstantsOfEnums() {
    assertEquals(Arrays.asList(WithParameters.MADE), finished(WithParameters.class).subList(1, 2));
    assertEquals(2, finished(WithParameters.class).size());
  }

  private static List<Object> finished(Class<?> tests) {
    try (SimulatedRecording active = SimulatedRecording.active()) {
      recording = active;
      active.reachable();
      assertEquals(1, JUnitCore.runClasses(tests).getFailureCount());
      return active.finished();
    }
  }
}
