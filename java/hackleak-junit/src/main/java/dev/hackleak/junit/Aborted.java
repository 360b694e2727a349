package dev.hackleak.junit;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;

/**
 * What makes Jupiter call a test aborted rather than failed: the exceptions of its own assumptions,
 * and those of JUnit 4, which may be on the class path or not and are told by their names.
 */
final class Aborted {
  private static final Set<String> EXCEPTIONS =
      new HashSet<>(
          Arrays.asList(
              "org.opentest4j.TestAbortedException",
              "org.junit.internal.AssumptionViolatedException"));

  private Aborted() {}

  static boolean is(Throwable thrown) {
    for (Class<?> at = thrown.getClass(); at != null; at = at.getSuperclass()) {
      if (EXCEPTIONS.contains(at.getName())) {
        return true;
      }
    }
    return false;
  }
}
