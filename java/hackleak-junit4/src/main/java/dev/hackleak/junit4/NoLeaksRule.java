package dev.hackleak.junit4;

import dev.hackleak.LeakCheck;
import dev.hackleak.LeakWatch;
import dev.hackleak.TestSeries;
import java.util.List;
import java.util.Objects;
import org.junit.internal.AssumptionViolatedException;
import org.junit.rules.TestRule;
import org.junit.runner.Description;
import org.junit.runners.model.MultipleFailureException;
import org.junit.runners.model.Statement;

/**
 * Fails a JUnit 4 test that leaks native memory, with a {@link dev.hackleak.LeakError}.
 *
 * <pre>{@code
 * @Rule public final NoLeaksRule noLeaks = NoLeaksRule.noLeaks();
 * }</pre>
 *
 * <p>As a {@code @Rule} it watches each test with its {@code @Before} and {@code @After} methods.
 * As a {@code @ClassRule} it watches all tests of the class together, with their
 * {@code @BeforeClass} and {@code @AfterClass} methods, for what they share. What only the instance
 * of a finished test or its {@code @Parameter} fields hold is lost. A test that failed for another
 * reason keeps it, and a test that an assumption skipped stays skipped; the leak is attached as a
 * suppressed exception, and one line on stderr says so. Where the JVM is not recorded the tests run
 * unchecked, which one notice on stderr says; with {@code -Dhackleak.required=true} they fail
 * instead.
 *
 * <p>A rule that expects an exception, such as {@code ExpectedException}, belongs inside of this
 * one: {@code @Rule(order = Integer.MIN_VALUE)} of JUnit 4.13, or a {@code RuleChain}. Outside of
 * it, it would take a {@link dev.hackleak.LeakError} for what it expects.
 *
 * <p>Immutable.
 */
public final class NoLeaksRule implements TestRule {
  private final LeakCheck check;
  private final int warmup;
  private final int repeat;
  private final boolean inParallel;

  private NoLeaksRule(LeakCheck check, int warmup, int repeat, boolean inParallel) {
    this.check = check;
    this.warmup = warmup;
    this.repeat = repeat;
    this.inParallel = inParallel;
  }

  /** Collects garbage before a leak is reported, and counts all leaks. */
  public static NoLeaksRule noLeaks() {
    return checking(LeakCheck.ofTests());
  }

  /** Checks in this way. */
  public static NoLeaksRule checking(LeakCheck check) {
    return new NoLeaksRule(Objects.requireNonNull(check, "check"), 0, 1, false);
  }

  /**
   * Runs the test several times, on one instance, with its {@code @Before} and {@code @After}
   * methods each time. A leak then counts only if each round leaked at the same site; with one
   * round after a warm-up, what that round leaked.
   *
   * @param warmup rounds before, which do not count
   * @param rounds 1 to 64
   */
  public NoLeaksRule repeat(int warmup, int rounds) {
    return new NoLeaksRule(check, warmup, rounds, inParallel);
  }

  /**
   * Says that other tests run at the same time. Tests with this rule notice each other without
   * being told; others are noticed only by this.
   */
  public NoLeaksRule inParallel() {
    return new NoLeaksRule(check, warmup, repeat, true);
  }

  @Override
  public Statement apply(Statement base, Description description) {
    return new Statement() {
      @Override
      public void evaluate() throws Throwable {
        run(base, description);
      }
    };
  }

  private void run(Statement base, Description description) throws Throwable {
    LeakWatch watch = LeakWatch.begin(name(description), check, inParallel);
    if (description.isTest()) {
      watch.endsWith(TestInstance.of(base));
    }
    try {
      watched(watch, base);
    } finally {
      if (description.isTest()) {
        TestSeries.follow(description.getClassName(), check, watch);
      }
    }
  }

  private void watched(LeakWatch watch, Statement base) throws Throwable {
    try {
      if (repeat == 1 && warmup == 0) {
        base.evaluate();
      } else {
        watch.rounds(warmup, repeat, base::evaluate);
      }
    } catch (Throwable failure) {
      end(watch, failure);
      throw failure;
    }
    watch.end();
  }

  /** JUnit takes the exceptions of before 4.12 for assumptions, too. */
  private static void end(LeakWatch watch, Throwable failure) {
    if (failure instanceof AssumptionViolatedException) {
      watch.endSkipped(failure);
    } else {
      watch.endFailed(reported(failure));
    }
  }

  /** Of several failures JUnit reports each by itself, and not the exception that holds them. */
  private static Throwable reported(Throwable failure) {
    if (failure instanceof MultipleFailureException) {
      List<Throwable> failures = ((MultipleFailureException) failure).getFailures();
      return failures.isEmpty() ? failure : reported(failures.get(0));
    }
    return failure;
  }

  private static String name(Description description) {
    Class<?> type = description.getTestClass();
    String name = type == null ? description.getClassName() : type.getSimpleName();
    return description.isTest() ? name + " > " + description.getMethodName() : name;
  }
}
