package dev.hackleak.junit;

import dev.hackleak.LeakCheck;
import java.lang.reflect.AnnotatedElement;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.extension.ExtensionConfigurationException;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.platform.commons.support.AnnotationSupport;

/** How a test is checked. Immutable. */
final class Plan {
  /** What an annotation without settings asks for. */
  static final Plan STANDARD = new Plan(LeakCheck.standard().settling(true), 0, 1, false, false);

  private static final Plan IGNORED = new Plan(LeakCheck.standard(), 0, 1, false, true);

  final LeakCheck check;
  final int warmup;
  final int repeat;
  final boolean perClass;
  final boolean ignored;

  Plan(LeakCheck check, int warmup, int repeat, boolean perClass, boolean ignored) {
    this.check = check;
    this.warmup = warmup;
    this.repeat = repeat;
    this.perClass = perClass;
    this.ignored = ignored;
    if (repeat < 1 || warmup < 0 || perClass && (repeat > 1 || warmup > 0)) {
      throw new ExtensionConfigurationException(
          "repeat="
              + repeat
              + ", warmup="
              + warmup
              + (perClass ? ", per class" : "")
              + ": rounds and warm-ups are for single tests, and their numbers are 1 or more and 0 or"
              + " more");
    }
  }

  /** Whether the test runs more than once. */
  boolean hasRounds() {
    return repeat > 1 || warmup > 0;
  }

  /** What the nearest annotation asks for: on the method, on its class, or on a class around it. */
  static Optional<Plan> nearest(ExtensionContext context) {
    Optional<ExtensionContext> at = Optional.of(context);
    while (at.isPresent()) {
      Optional<Plan> plan = at.get().getElement().flatMap(Plan::on);
      if (plan.isPresent()) {
        return plan;
      }
      at = at.get().getParent();
    }
    return Optional.empty();
  }

  /** What is annotated right here, inherited annotations included. */
  static Optional<Plan> on(AnnotatedElement element) {
    if (AnnotationSupport.isAnnotated(element, IgnoreLeaks.class)) {
      return Optional.of(IGNORED);
    }
    return AnnotationSupport.findAnnotation(element, NoLeaks.class)
        .map(annotation -> of(annotation, element instanceof Class));
  }

  private static Plan of(NoLeaks annotation, boolean onClass) {
    LeakCheck check =
        LeakCheck.standard()
            .settling(annotation.settle())
            .kinds(annotation.kinds())
            .suppressing(annotation.suppress())
            .held(annotation.held());
    if (annotation.settleLimitMillis() >= 0) {
      check = check.settleLimit(Duration.ofMillis(annotation.settleLimitMillis()));
    }
    if (annotation.allowBytes() >= 0) {
      check = check.allowingBytes(annotation.allowBytes());
    }
    if (annotation.allowBlocks() >= 0) {
      check = check.allowingBlocks(annotation.allowBlocks());
    }
    boolean perClass = annotation.per() == NoLeaks.Per.CLASS;
    if (perClass && !onClass) {
      throw new ExtensionConfigurationException(
          "@NoLeaks(per = CLASS) is for test classes, not for methods");
    }
    return new Plan(check, annotation.warmup(), annotation.repeat(), perClass, false);
  }
}
