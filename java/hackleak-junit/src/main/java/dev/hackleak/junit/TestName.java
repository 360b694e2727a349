package dev.hackleak.junit;

import java.lang.reflect.AnnotatedElement;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import org.junit.jupiter.api.extension.ExtensionContext;

/** What a test is called in reports. */
final class TestName {
  private TestName() {}

  /** All that the test is part of, for the reports: {@code Outer > Inner > method(int) > [2] 2}. */
  static String of(ExtensionContext context) {
    Deque<String> parts = new ArrayDeque<>();
    // The last one is the engine.
    for (ExtensionContext at = context; at.getParent().isPresent(); at = at.getParent().get()) {
      Optional<AnnotatedElement> element = at.getElement();
      // An invocation of a class template has its class as well, and is told by what it displays.
      boolean isClass =
          element.filter(Class.class::isInstance).isPresent()
              && !element.equals(at.getParent().get().getElement());
      parts.addFirst(isClass ? ((Class<?>) element.get()).getSimpleName() : at.getDisplayName());
    }
    return String.join(" > ", parts);
  }
}
