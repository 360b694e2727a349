package dev.hackleak;

/** The reporter could not be run, or did not give a usable answer; the message is one sentence. */
final class ReporterException extends Exception {
  private static final long serialVersionUID = 1;

  ReporterException(String message) {
    super(message);
  }

  ReporterException(String message, Throwable cause) {
    super(message, cause);
  }
}
