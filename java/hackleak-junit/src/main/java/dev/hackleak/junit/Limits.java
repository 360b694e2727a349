package dev.hackleak.junit;

import dev.hackleak.LeakCheck;
import dev.hackleak.LeakWatch;
import dev.hackleak.LimitError;
import java.lang.reflect.AnnotatedElement;
import java.util.Optional;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtensionConfigurationException;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.platform.commons.support.AnnotationSupport;

/** The limits of a test, and the watch that counts for them; in the test's store. */
final class Limits {
  private final NoLeaksExtension owner;
  private final LeakWatch watch;

  private Limits(NoLeaksExtension owner, LeakWatch watch) {
    this.owner = owner;
    this.watch = watch;
  }

  /** What is to be counted, unless another extension of the class has seen to it; or null. */
  static LeakCheck wanted(ExtensionContext context) {
    return of(context) == null ? annotation(context).map(Limits::check).orElse(null) : null;
  }

  private static Limits of(ExtensionContext context) {
    return NoLeaksExtension.store(context).get(Limits.class, Limits.class);
  }

  static LeakWatch begin(NoLeaksExtension owner, ExtensionContext context, LeakCheck check) {
    LeakWatch watch = NoLeaksExtension.begin(context, TestName.of(context), check);
    NoLeaksExtension.store(context).put(Limits.class, new Limits(owner, watch));
    return watch;
  }

  /** The limits that a test without another failure has exceeded, or null. */
  static LimitError end(NoLeaksExtension owner, ExtensionContext context) {
    Limits found = of(context);
    if (found == null || found.owner != owner) {
      return null;
    }
    NoLeaksExtension.store(context).remove(Limits.class);
    try {
      Endings.end(found.watch, context);
      return null;
    } catch (LimitError exceeded) {
      return exceeded;
    }
  }

  /** Has each round of a watch counted by itself. */
  static void countRounds(ExtensionContext context, LeakWatch rounds) {
    Limits limits = of(context);
    if (limits != null) {
      rounds.roundsCountFor(limits.watch);
    }
  }

  /** Runs a dynamic test. */
  static void within(NoLeaksExtension owner, ExtensionContext context, LeakWatch.Round test)
      throws Throwable {
    LeakCheck check = wanted(context);
    if (check == null) {
      test.run();
      return;
    }
    LeakWatch watch = begin(owner, context, check);
    try {
      test.run();
    } catch (Throwable own) {
      Endings.beside(watch, own);
      throw own;
    }
    watch.end();
  }

  /** The nearest one: on the method, on its class, or on a class around it. */
  private static Optional<NativeMemory> annotation(ExtensionContext context) {
    Optional<ExtensionContext> at = Optional.of(context);
    while (at.isPresent()) {
      Optional<NativeMemory> found =
          at.get()
              .getElement()
              .flatMap(on -> AnnotationSupport.findAnnotation(on, NativeMemory.class));
      if (found.isPresent()) {
        return found;
      }
      at = at.get().getParent();
    }
    return Optional.empty();
  }

  private static LeakCheck check(NativeMemory annotation) {
    LeakCheck check = LeakCheck.ofLimits();
    long peakBytes = annotation.peakBytes();
    long allocations = annotation.allocations();
    if (peakBytes == NativeMemory.ANY && allocations == NativeMemory.ANY) {
      throw new ExtensionConfigurationException(
          "@NativeMemory sets peakBytes, allocations or both");
    }
    try {
      check = peakBytes == NativeMemory.ANY ? check : check.peakBytes(peakBytes);
      return allocations == NativeMemory.ANY ? check : check.allocations(allocations);
    } catch (IllegalArgumentException e) {
      throw new ExtensionConfigurationException("@NativeMemory: " + e.getMessage());
    }
  }

  /** Each of its dynamic tests is counted by itself. */
  static boolean isFactory(ExtensionContext context) {
    Optional<AnnotatedElement> element = context.getElement();
    return element.filter(on -> AnnotationSupport.isAnnotated(on, TestFactory.class)).isPresent();
  }
}
