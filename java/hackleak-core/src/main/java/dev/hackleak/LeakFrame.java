package dev.hackleak;

import java.io.Serializable;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * One frame of the stack that allocated a leak: a {@link JavaFrame} or a {@link NativeFrame}.
 *
 * <p>Immutable. {@link #toString()} is the frame as a stack trace shows it.
 */
public abstract class LeakFrame implements Serializable {
  private static final long serialVersionUID = 1;

  private final String file;
  private final int line;

  LeakFrame(String file, int line) {
    this.file = file;
    this.line = line;
  }

  /** True for Java, false for native code. */
  public abstract boolean isJava();

  /** The function, qualified as its language does it: {@code class.method} for Java. */
  public abstract String symbol();

  /** The source file as the debug information names it, if there is any. */
  public Optional<String> file() {
    return file.isEmpty() ? Optional.empty() : Optional.of(file);
  }

  /** The line in that file, counted from 1, if it is known. */
  public OptionalInt line() {
    return line > 0 ? OptionalInt.of(line) : OptionalInt.empty();
  }

  /** {@code file:line}, as far as it is known. */
  String location() {
    return line > 0 && !file.isEmpty() ? file + ":" + line : file;
  }
}
