package dev.hackleak;

/**
 * The exit codes of the {@code hackleak} command. They are those of {@code
 * hackleak_options::exit_code} on the native side, and a test there compares them.
 */
final class ExitCode {
  static final int CLEAN = 0;
  static final int FAILED = 1;
  static final int LEAKS = 23;
  static final int INCOMPLETE = 24;

  private ExitCode() {}
}
