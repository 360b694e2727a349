package dev.hackleak.junit;

import dev.hackleak.LeakCheck;
import java.lang.reflect.AnnotatedElement;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import org.junit.jupiter.api.extension.ExtensionConfigurationException;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.platform.commons.support.AnnotationSupport;

/** How a test is checked. Immutable. */
final class Plan {
  private static final String REPEAT = "hackleak.repeat";
  private static final String WARMUP = "hackleak.warmup";
  private static final String PER = "hackleak.per";

  /** As many as can be told apart. */
  private static final int MOST_ROUNDS = 64;

  /** What an annotation says that allows no leak. */
  private static final int NONE_ALLOWED = -1;

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
    if (repeat < 1
        || repeat > MOST_ROUNDS
        || warmup < 0
        || perClass && (repeat > 1 || warmup > 0)) {
      throw new ExtensionConfigurationException(
          "repeat="
              + repeat
              + ", warmup="
              + warmup
              + (perClass ? ", per class" : "")
              + ": rounds and warm-ups are for single tests, and their numbers are 1 to "
              + MOST_ROUNDS
              + " and 0 or more");
    }
  }

  /** What an annotation without settings asks for. */
  static Plan standard() {
    return new Plan(LeakCheck.ofTests(), 0, 1, false, false);
  }

  /** The same with what configuration parameters and system properties say for the whole suite. */
  static Plan ofSuite(ExtensionContext context) {
    return standard().ofSuite(context, true);
  }

  /** This plan with what the suite says where it says nothing. */
  private Plan ofSuite(ExtensionContext context, boolean onClass) {
    String per = parameter(context, PER).toLowerCase(Locale.ROOT);
    if (!per.isEmpty() && !per.equals("test") && !per.equals("class")) {
      throw new ExtensionConfigurationException(PER + " is test or class, not \"" + per + "\"");
    }
    if (perClass || onClass && per.equals("class") && !hasRounds()) {
      return new Plan(check, 0, repeat, true, ignored);
    }
    return new Plan(
        check,
        warmup > 0 ? warmup : number(context, WARMUP, 0, Integer.MAX_VALUE),
        repeat > 1 ? repeat : number(context, REPEAT, 1, MOST_ROUNDS),
        false,
        ignored);
  }

  private static int number(ExtensionContext context, String name, int otherwise, int most) {
    String value = parameter(context, name);
    try {
      int number = value.isEmpty() ? otherwise : Integer.parseInt(value);
      if (number >= otherwise && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Said below, for a number out of range as well.
    }
    throw new ExtensionConfigurationException(
        name
            + " is a number, "
            + otherwise
            + (most == Integer.MAX_VALUE ? " or more" : " to " + most)
            + ", not \""
            + value
            + "\"");
  }

  private static String parameter(ExtensionContext context, String name) {
    return context.getConfigurationParameter(name).orElse("").trim();
  }

  /** Whether the test runs more than once. */
  boolean hasRounds() {
    return repeat > 1 || warmup > 0;
  }

  /** What the nearest annotation asks for: on the method, on its class, or on a class around it. */
  static Optional<Plan> nearest(ExtensionContext context) {
    Optional<ExtensionContext> at = Optional.of(context);
    while (at.isPresent()) {
      Optional<Plan> plan = at.get().getElement().flatMap(element -> on(element, context));
      if (plan.isPresent()) {
        return plan;
      }
      at = at.get().getParent();
    }
    return Optional.empty();
  }

  /** What is annotated right here, inherited annotations included. */
  private static Optional<Plan> on(AnnotatedElement element, ExtensionContext context) {
    if (AnnotationSupport.isAnnotated(element, IgnoreLeaks.class)) {
      return Optional.of(IGNORED);
    }
    return AnnotationSupport.findAnnotation(element, NoLeaks.class)
        .map(
            annotation -> {
              boolean onClass = element instanceof Class;
              return of(annotation, onClass).ofSuite(context, onClass);
            });
  }

  /** Whether an annotation is right here, or inherited. */
  static boolean isOn(AnnotatedElement element) {
    return AnnotationSupport.isAnnotated(element, IgnoreLeaks.class)
        || AnnotationSupport.isAnnotated(element, NoLeaks.class);
  }

  private static void within(String setting, long value, long least, long most) {
    if (value < least || value > most) {
      throw new ExtensionConfigurationException(
          "@NoLeaks("
              + setting
              + " = "
              + value
              + "): "
              + setting
              + " is a number, "
              + Math.max(least, 0)
              + (most == MOST_ROUNDS ? " to " + most : " or more"));
    }
  }

  private static Plan of(NoLeaks annotation, boolean onClass) {
    within("repeat", annotation.repeat(), 1, MOST_ROUNDS);
    within("warmup", annotation.warmup(), 0, Integer.MAX_VALUE);
    within("allowBytes", annotation.allowBytes(), NONE_ALLOWED, Long.MAX_VALUE);
    within("allowBlocks", annotation.allowBlocks(), NONE_ALLOWED, Long.MAX_VALUE);
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
