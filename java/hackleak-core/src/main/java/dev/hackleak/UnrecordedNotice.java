package dev.hackleak;

import java.util.concurrent.atomic.AtomicBoolean;

/** Says, once per JVM, that tests run without being checked, and how to change that. */
final class UnrecordedNotice {
  private static final AtomicBoolean PRINTED = new AtomicBoolean();

  private UnrecordedNotice() {}

  static void print() {
    if (PRINTED.compareAndSet(false, true)) {
      Recording recording = Recording.current();
      System.err.println(
          "hackleak: native leaks are not looked for in this JVM, which is not recorded: "
              + recording.reason().orElse("unknown")
              + "\nhackleak: to switch it on, "
              + recording.remedy()
              + "; -Dhackleak.required=true makes this a failure");
    }
  }
}
