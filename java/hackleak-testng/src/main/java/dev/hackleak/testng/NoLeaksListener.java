package dev.hackleak.testng;

import dev.hackleak.LeakCheck;
import dev.hackleak.LeakError;
import dev.hackleak.LeakWatch;
import dev.hackleak.LimitError;
import dev.hackleak.TestSeries;
import java.lang.annotation.Annotation;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.StringJoiner;
import org.testng.IExecutionListener;
import org.testng.IInvokedMethod;
import org.testng.IInvokedMethodListener;
import org.testng.ITestContext;
import org.testng.ITestResult;
import org.testng.SkipException;
import org.testng.TestException;
import org.testng.xml.XmlSuite.ParallelMode;
import org.testng.xml.XmlTest;

/**
 * A watch over each test method with {@link NoLeaks} or {@link NativeMemory}; over all of them with
 * the system property {@code hackleak.everyTest=true}. TestNG finds it on the class path.
 */
public final class NoLeaksListener implements IInvokedMethodListener, IExecutionListener {
  private static final String ALL = "hackleak.everyTest";
  private static final String WATCH = NoLeaksListener.class.getName();

  /** For TestNG. */
  public NoLeaksListener() {}

  @Override
  public void beforeInvocation(IInvokedMethod method, ITestResult result, ITestContext context) {
    LeakCheck check = method.isTestMethod() ? check(result) : null;
    if (check == null || result.getAttribute(WATCH) != null) {
      return;
    }
    result.setAttribute(WATCH, LeakWatch.begin(name(result), check, isParallel(context)));
  }

  /**
   * The test for the reports, with what the data provider gave: {@code StoreTest > opens(2, a)}.
   */
  private static String name(ITestResult result) {
    Class<?> type = result.getTestClass().getRealClass();
    String test = type.getSimpleName() + " > " + result.getMethod().getMethodName();
    StringJoiner given = new StringJoiner(", ", "(", ")").setEmptyValue("");
    for (Object parameter : parameters(result)) {
      boolean plain =
          parameter == null
              || parameter instanceof Number
              || parameter instanceof CharSequence
              || parameter instanceof Boolean
              || parameter instanceof Character
              || parameter instanceof Enum;
      // Others may do anything when they are asked for a text.
      given.add(plain ? String.valueOf(parameter) : parameter.getClass().getSimpleName());
    }
    return test + given;
  }

  @Override
  public void afterInvocation(IInvokedMethod method, ITestResult result, ITestContext context) {
    LeakWatch watch = method.isTestMethod() ? (LeakWatch) result.removeAttribute(WATCH) : null;
    if (watch == null) {
      return;
    }
    watch.endsWith(parameters(result));
    Throwable own = result.getThrowable();
    if (isSkipped(result)) {
      watch.endSkipped(own);
    } else if (hasPassed(result)) {
      end(watch, result);
    } else {
      watch.endFailed(own);
    }
    Class<?> type = result.getTestClass().getRealClass();
    TestSeries.follow(type.getName(), check(result), watch);
  }

  /**
   * What the data provider made for this test alone; of what can be cloned, TestNG tells a copy
   * only. Its own objects go on after the test, and so does the instance, which serves all tests of
   * its class.
   */
  private static List<Object> parameters(ITestResult result) {
    List<Object> parameters = new ArrayList<>();
    for (Object parameter : result.getParameters()) {
      boolean own =
          parameter instanceof ITestContext
              || parameter instanceof ITestResult
              || parameter instanceof XmlTest
              || parameter == result.getInstance();
      if (!own) {
        parameters.add(parameter);
      }
    }
    return parameters;
  }

  /** TestNG turns the failure into a skip only after its listeners. */
  private static boolean isSkipped(ITestResult result) {
    Throwable own = result.getThrowable();
    return result.getStatus() == ITestResult.SKIP
        || own instanceof SkipException && ((SkipException) own).isSkip();
  }

  /** So late, too, it fails a test without the exception that was expected. */
  private static boolean hasPassed(ITestResult result) {
    return result.getStatus() == ITestResult.SUCCESS
        && !(result.getThrowable() instanceof TestException);
  }

  private static void end(LeakWatch watch, ITestResult result) {
    try {
      watch.end();
    } catch (LeakError | LimitError error) {
      result.setStatus(ITestResult.FAILURE);
      result.setThrowable(error);
    }
  }

  @Override
  public void onExecutionFinish() {
    LeakWatch.endOfRun();
  }

  private static boolean isParallel(ITestContext context) {
    ParallelMode mode = context.getCurrentXmlTest().getParallel();
    return mode != null && mode.isParallel();
  }

  /** How the method is checked; null if it is not. */
  private static LeakCheck check(ITestResult result) {
    LeakCheck leaks = checkForLeaks(result);
    NativeMemory limits = annotation(result, NativeMemory.class);
    return limits == null ? leaks : limited(leaks == null ? LeakCheck.ofLimits() : leaks, limits);
  }

  private static LeakCheck limited(LeakCheck check, NativeMemory limits) {
    boolean hasPeak = limits.peakBytes() != NativeMemory.ANY;
    boolean hasAllocations = limits.allocations() != NativeMemory.ANY;
    if (!hasPeak && !hasAllocations) {
      throw new IllegalArgumentException("@NativeMemory sets peakBytes, allocations or both");
    }
    LeakCheck limited = hasPeak ? check.peakBytes(limits.peakBytes()) : check;
    return hasAllocations ? limited.allocations(limits.allocations()) : limited;
  }

  /** That of the method, or of its class; null for none. */
  private static <A extends Annotation> A annotation(ITestResult result, Class<A> type) {
    Method method = result.getMethod().getConstructorOrMethod().getMethod();
    A annotation = method == null ? null : method.getAnnotation(type);
    return annotation == null
        ? result.getTestClass().getRealClass().getAnnotation(type)
        : annotation;
  }

  private static LeakCheck checkForLeaks(ITestResult result) {
    NoLeaks annotation = annotation(result, NoLeaks.class);
    if (annotation == null) {
      return checksAll() ? LeakCheck.ofTests() : null;
    }
    return annotation.value() ? check(annotation) : null;
  }

  /** One that is misspelt would leave every test unchecked, so it is an error. */
  private static boolean checksAll() {
    String value = System.getProperty(ALL, "false").trim();
    if (value.equalsIgnoreCase("true") || value.equalsIgnoreCase("false")) {
      return value.equalsIgnoreCase("true");
    }
    throw new IllegalArgumentException("-D" + ALL + " is true or false, not \"" + value + "\"");
  }

  /** But for -1, which is what the annotation says without the setting. */
  private static void notNegative(String setting, long value) {
    if (value < -1) {
      throw new IllegalArgumentException(
          "@NoLeaks(" + setting + " = " + value + "): " + setting + " is a number, 0 or more");
    }
  }

  private static LeakCheck check(NoLeaks annotation) {
    notNegative("allowBytes", annotation.allowBytes());
    notNegative("allowBlocks", annotation.allowBlocks());
    LeakCheck check =
        (annotation.settle() ? LeakCheck.ofTests() : LeakCheck.standard().settling(false))
            .kinds(annotation.kinds())
            .suppressing(annotation.suppress())
            .held(annotation.held());
    if (annotation.settleLimitMillis() >= 0) {
      check = check.settleLimit(Duration.ofMillis(annotation.settleLimitMillis()));
    }
    if (annotation.allowBytes() >= 0) {
      check = check.allowingBytes(annotation.allowBytes());
    }
    return annotation.allowBlocks() < 0 ? check : check.allowingBlocks(annotation.allowBlocks());
  }
}
