package dev.hackleak.junit;

import dev.hackleak.LeakWatch;
import java.lang.reflect.Method;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.extension.InvocationInterceptor.Invocation;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.junit.platform.commons.support.ReflectionSupport;

/** The rounds of a test: JUnit runs it once, and all others are run here. */
final class Rounds {
  private Rounds() {}

  static void again(ReflectiveInvocationContext<Method> method) {
    ReflectionSupport.invokeMethod(
        method.getExecutable(), method.getTarget().orElse(null), method.getArguments().toArray());
  }

  /** An invocation proceeds only once; what it does is then done again without it. */
  static void run(LeakWatch watch, Plan plan, Invocation<Void> invocation, LeakWatch.Round again)
      throws Throwable {
    if (!plan.hasRounds()) {
      invocation.proceed();
      return;
    }
    AtomicBoolean first = new AtomicBoolean(true);
    watch.rounds(
        plan.warmup,
        plan.repeat,
        () -> {
          if (first.getAndSet(false)) {
            invocation.proceed();
          } else {
            again.run();
          }
        });
  }
}
