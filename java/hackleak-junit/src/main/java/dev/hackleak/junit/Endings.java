package dev.hackleak.junit;

import dev.hackleak.LeakWatch;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestInstances;

/** How a watch ends: what is thrown, and what is attached to what was thrown already. */
final class Endings {
  private Endings() {}

  /**
   * Throws the leak only where nothing else has been thrown: Jupiter would let it replace what
   * aborts a test.
   */
  static void end(LeakWatch watch, ExtensionContext context) {
    Throwable own = context.getExecutionException().orElse(null);
    if (own == null) {
      watch.end();
    } else {
      beside(watch, own);
    }
  }

  static boolean beside(LeakWatch watch, Throwable own) {
    return Aborted.is(own) ? watch.endSkipped(own) : watch.endFailed(own);
  }

  /** The instances that end with the test; one that serves all tests of its class goes on. */
  static List<Object> instances(ExtensionContext context) {
    boolean perClass =
        context
            .getTestInstanceLifecycle()
            .filter(TestInstance.Lifecycle.PER_CLASS::equals)
            .isPresent();
    return perClass
        ? Collections.emptyList()
        : context
            .getTestInstances()
            .map(TestInstances::getAllInstances)
            .orElse(Collections.emptyList());
  }
}
