package dev.hackleak.junit;

import dev.hackleak.HackLeak;
import dev.hackleak.LeakCheck;
import dev.hackleak.LeakError;
import dev.hackleak.LeakWatch;
import dev.hackleak.LimitError;
import dev.hackleak.TestSeries;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.util.Collections;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.DynamicTestInvocationContext;
import org.junit.jupiter.api.extension.ExtensionConfigurationException;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ExtensionContext.Store;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.junit.jupiter.api.extension.TestInstances;

/**
 * A watch over each test, or over each class; see {@link NoLeaks}, which registers it.
 *
 * <p>It can be registered by hand, for settings that an annotation cannot have:
 *
 * <pre>{@code
 * @RegisterExtension
 * static final NoLeaksExtension NO_LEAKS =
 *     NoLeaksExtension.checking(LeakCheck.standard().allowingBytes(64)).repeat(3);
 * }</pre>
 *
 * <p>Annotations within its reach then count before its own settings.
 *
 * <p>For a whole suite, JUnit's {@code junit.jupiter.extensions.autodetection.enabled=true} with
 * {@code hackleak.everyTest=true}, as configuration parameters or system properties, checks each
 * test as if it were annotated. Auto-detection alone changes nothing.
 *
 * <p>Immutable.
 */
public final class NoLeaksExtension
    implements BeforeAllCallback,
        AfterAllCallback,
        BeforeEachCallback,
        AfterEachCallback,
        InvocationInterceptor {
  private static final Namespace NAMESPACE = Namespace.create(NoLeaksExtension.class);
  private static final String ALL = "hackleak.everyTest";
  private static final String PARALLEL = "junit.jupiter.execution.parallel.enabled";

  /** The keys of the store. */
  private enum Key {
    TEST,
    CLASS,
    SERIES
  }

  /** What counts where no annotation does; null for nothing. */
  private final Plan own;

  /** For JUnit. */
  public NoLeaksExtension() {
    this(null);
  }

  private NoLeaksExtension(Plan own) {
    this.own = own;
  }

  /** Checks the tests that it is registered for, in this way. */
  public static NoLeaksExtension checking(LeakCheck check) {
    Objects.requireNonNull(check, "check");
    return new NoLeaksExtension(new Plan(check, 0, 1, false, false));
  }

  /** As {@link NoLeaks#repeat()}. */
  public NoLeaksExtension repeat(int rounds) {
    Plan plan = plan();
    return new NoLeaksExtension(
        new Plan(plan.check, plan.warmup, rounds, plan.perClass, plan.ignored));
  }

  /** As {@link NoLeaks#warmup()}. */
  public NoLeaksExtension warmup(int rounds) {
    Plan plan = plan();
    return new NoLeaksExtension(
        new Plan(plan.check, rounds, plan.repeat, plan.perClass, plan.ignored));
  }

  /** As {@link NoLeaks.Per#CLASS}; the field that registers it must then be static. */
  public NoLeaksExtension perClass() {
    Plan plan = plan();
    return new NoLeaksExtension(new Plan(plan.check, plan.warmup, plan.repeat, true, plan.ignored));
  }

  private Plan plan() {
    return own == null ? Plan.standard() : own;
  }

  private Optional<Plan> plan(ExtensionContext context) {
    Optional<Plan> annotated = Plan.nearest(context);
    if (annotated.isPresent()) {
      return annotated;
    }
    if (own != null) {
      return Optional.of(own);
    }
    return isOn(context, ALL) ? Optional.of(Plan.ofSuite(context)) : Optional.empty();
  }

  @Override
  public void beforeAll(ExtensionContext context) {
    Plan plan = plan(context).orElse(null);
    if (plan != null && !plan.ignored && store(context).get(Key.SERIES) == null) {
      // One for a class with all that are nested in it.
      TestSeries series = TestSeries.begin(context.getDisplayName(), plan.check);
      store(context).put(Key.SERIES, new Series(this, series));
    }
    boolean annotatedHere = context.getElement().filter(Plan::isOn).isPresent();
    if (plan == null || !plan.perClass || classWatch(context) != null && !annotatedHere) {
      return;
    }
    LeakWatch watch = begin(context, TestName.of(context), plan.check);
    // Only what belongs to the class runs inside: other tests may use this thread meanwhile.
    watch.leave();
    store(context).put(Key.CLASS, new ClassWatch(this, watch));
  }

  @Override
  public void afterAll(ExtensionContext context) {
    Series own = store(context).get(Key.SERIES, Series.class);
    // One of a class around this one stays: it is removed from that one's store only.
    boolean ends = own != null && own.owner == this && store(context).remove(Key.SERIES) != null;
    endClass(context);
    if (ends && !context.getExecutionException().isPresent()) {
      own.series.endsWith(
          context
              .getTestInstances()
              .map(TestInstances::getAllInstances)
              .orElse(Collections.emptyList()));
      own.series.end();
    }
  }

  private void endClass(ExtensionContext context) {
    ClassWatch found = store(context).get(Key.CLASS, ClassWatch.class);
    if (found != null && found.owner == this) {
      // One of a class around this one stays: it is removed from that one's store only.
      ClassWatch removed = store(context).remove(Key.CLASS, ClassWatch.class);
      if (removed != null) {
        Endings.end(removed.watch, context);
      }
    }
  }

  @Override
  public void beforeEach(ExtensionContext context) {
    LeakCheck limits = Limits.isFactory(context) ? null : Limits.wanted(context);
    beginTest(context);
    // Inside of the watch for leaks, which then counts what this one counts.
    if (limits != null) {
      Limits.begin(this, context, limits);
    }
  }

  private void beginTest(ExtensionContext context) {
    Plan plan = plan(context).orElse(null);
    if (plan == null || store(context).get(Key.TEST) != null) {
      return;
    }
    TestWatch watch;
    if (plan.perClass) {
      LeakWatch classWatch = classWatch(context);
      if (classWatch == null) {
        return;
      }
      if (store(context).get(Limits.class) != null) {
        throw new ExtensionConfigurationException(
            "@NativeMemory goes with @NoLeaks(per = CLASS), not with perClass() of an extension"
                + " that is registered by hand");
      }
      watch = new TestWatch(this, plan, classWatch, classWatch.entered(), null);
    } else {
      LeakWatch begun = begin(context, TestName.of(context), plan.check);
      watch = new TestWatch(this, plan, begun, 0, plan.ignored ? HackLeak.ignore() : null);
    }
    store(context).put(Key.TEST, watch);
  }

  @Override
  public void afterEach(ExtensionContext context) {
    LimitError exceeded = Limits.end(this, context);
    try {
      endWatch(context);
    } catch (LeakError leak) {
      if (exceeded != null) {
        leak.addSuppressed(exceeded);
      }
      throw leak;
    }
    if (exceeded != null) {
      throw exceeded;
    }
  }

  private void endWatch(ExtensionContext context) {
    TestWatch found = store(context).get(Key.TEST, TestWatch.class);
    if (found == null || found.owner != this) {
      return;
    }
    store(context).remove(Key.TEST);
    try {
      endTest(found, context);
    } finally {
      Series series = store(context).get(Key.SERIES, Series.class);
      if (series != null && !found.plan.perClass) {
        series.series.ended(found.watch);
      }
    }
  }

  private static void endTest(TestWatch found, ExtensionContext context) {
    if (found.plan.perClass) {
      found.watch.left(found.before);
    } else if (found.plan.ignored) {
      found.ignored.close();
      found.watch.endUnchecked();
    } else if (found.answeredByDynamicTests.get()) {
      found.watch.endUnchecked();
    } else {
      found.watch.endsWith(Endings.instances(context));
      Endings.end(found.watch, context);
    }
  }

  @Override
  public void interceptTestMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    inRounds(invocation, method, context);
  }

  @Override
  public void interceptTestTemplateMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    inRounds(invocation, method, context);
  }

  private void inRounds(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    TestWatch found = store(context).get(Key.TEST, TestWatch.class);
    if (found == null || found.owner != this) {
      invocation.proceed();
    } else {
      if (!found.plan.perClass) {
        found.watch.endsWith(method.getArguments());
      }
      Limits.countRounds(context, found.watch);
      Rounds.run(found.watch, found.plan, invocation, () -> Rounds.again(method));
    }
  }

  /** Dynamic tests have no callbacks before and after them. */
  @Override
  public void interceptDynamicTest(
      Invocation<Void> invocation,
      DynamicTestInvocationContext dynamicTest,
      ExtensionContext context)
      throws Throwable {
    TestWatch factory = store(context).get(Key.TEST, TestWatch.class);
    if (factory == null || factory.owner != this || factory.plan.ignored) {
      Limits.within(this, context, invocation::proceed);
      return;
    }
    if (factory.plan.perClass) {
      int before = factory.watch.entered();
      try {
        Limits.within(this, context, invocation::proceed);
      } finally {
        factory.watch.left(before);
      }
      return;
    }
    LeakWatch watch = begin(context, TestName.of(context), factory.plan.check);
    if (factory.plan.hasRounds()) {
      // What does not grow from round to round is no leak of this test, and none of its factory.
      factory.answeredByDynamicTests.set(true);
    }
    try {
      Limits.within(
          this,
          context,
          () -> {
            Limits.countRounds(context, watch);
            Rounds.run(watch, factory.plan, invocation, dynamicTest.getExecutable()::execute);
          });
    } catch (Throwable own) {
      if (Endings.beside(watch, own)) {
        factory.answeredByDynamicTests.set(true);
      }
      throw own;
    }
    try {
      watch.end();
    } catch (LeakError leak) {
      factory.answeredByDynamicTests.set(true);
      throw leak;
    }
  }

  @Override
  public void interceptBeforeAllMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    inClass(invocation, context);
  }

  @Override
  public void interceptAfterAllMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    inClass(invocation, context);
  }

  @Override
  public <T> T interceptTestClassConstructor(
      Invocation<T> invocation,
      ReflectiveInvocationContext<Constructor<T>> constructor,
      ExtensionContext context)
      throws Throwable {
    return inClass(invocation, context);
  }

  private <T> T inClass(Invocation<T> invocation, ExtensionContext context) throws Throwable {
    ClassWatch found = store(context).get(Key.CLASS, ClassWatch.class);
    if (found == null || found.owner != this) {
      return invocation.proceed();
    }
    int before = found.watch.entered();
    try {
      return invocation.proceed();
    } finally {
      found.watch.left(before);
    }
  }

  static LeakWatch begin(ExtensionContext context, String test, LeakCheck check) {
    context
        .getRoot()
        .getStore(NAMESPACE)
        .getOrComputeIfAbsent(EndOfRun.class, key -> new EndOfRun(), EndOfRun.class);
    return LeakWatch.begin(test, check, isOn(context, PARALLEL));
  }

  private static boolean isOn(ExtensionContext context, String parameter) {
    String value = context.getConfigurationParameter(parameter).orElse("false").trim();
    if (value.equalsIgnoreCase("true")) {
      return true;
    }
    // One that is misspelt would leave every test unchecked.
    if (parameter.equals(ALL) && !value.equalsIgnoreCase("false")) {
      throw new ExtensionConfigurationException(
          parameter + " is true or false, not \"" + value + "\"");
    }
    return false;
  }

  private static LeakWatch classWatch(ExtensionContext context) {
    ClassWatch found = store(context).get(Key.CLASS, ClassWatch.class);
    return found == null ? null : found.watch;
  }

  static Store store(ExtensionContext context) {
    return context.getStore(NAMESPACE);
  }
}
