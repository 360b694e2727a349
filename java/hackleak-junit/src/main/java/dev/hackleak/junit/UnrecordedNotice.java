package dev.hackleak.junit;

import dev.hackleak.HackLeak;
import java.util.concurrent.atomic.AtomicBoolean;

/** Says, once per JVM, that tests run without being checked. */
final class UnrecordedNotice {
  private static final AtomicBoolean PRINTED = new AtomicBoolean();

  private UnrecordedNotice() {}

  static void print() {
    if (PRINTED.compareAndSet(false, true)) {
      System.err.println(
          "hackleak: @NoLeaks checks nothing in this JVM, which is not recorded: "
              + HackLeak.inactiveReason().orElse("unknown")
              + "; -Dhackleak.required=true turns this into a failure");
    }
  }
}
