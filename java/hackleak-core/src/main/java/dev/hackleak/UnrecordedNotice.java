package dev.hackleak;

import java.util.concurrent.atomic.AtomicBoolean;

/** Says, once per JVM, that tests run without being checked, and how to change that. */
final class UnrecordedNotice {
  private static final AtomicBoolean PRINTED = new AtomicBoolean();

  private UnrecordedNotice() {}

  static void print() {
    if (PRINTED.compareAndSet(false, true)) {
      System.err.println(
          "hackleak: native leaks are not looked for in this JVM, which is not recorded: "
              + HackLeak.inactiveReason().orElse("unknown")
              + "\nhackleak: to switch it on, start the JVM with the environment variable"
              + " LD_PRELOAD=/path/to/"
              + MappedLibrary.NAME
              + " (IntelliJ, Eclipse: in the run configuration, under environment variables;"
              + " VS Code: java.test.config, env), or run the tests with Maven or Gradle;"
              + " -Dhackleak.required=true makes this a failure");
    }
  }
}
