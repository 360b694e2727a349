package dev.hackleak;

/** What the {@code hackleak} executable came to. */
final class ReporterAnswer {
  final int exit;
  final String out;
  final String err;

  ReporterAnswer(int exit, String out, String err) {
    this.exit = exit;
    this.out = out;
    this.err = err;
  }
}
