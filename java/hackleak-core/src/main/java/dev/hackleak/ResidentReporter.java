package dev.hackleak;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * The {@code hackleak serve} of this JVM: one process that answers all checks, so that each is
 * spared a start and the reading of symbols that another one has read.
 *
 * <p>It is started at the first need, replaced when it has died, and ends with this JVM, because
 * its stdin does. Its pipes are polled by the thread that waits for an answer: no thread of this
 * class keeps the JVM alive, and a time limit holds.
 *
 * <pre>
 * ready    "hackleak-serve 1\n"
 * request  length     arguments, each ended by a zero byte
 * answer   exit code  length of stdout  length of stderr   stdout   stderr
 * </pre>
 *
 * Numbers have four bytes, the highest first.
 */
final class ResidentReporter {
  private static final byte[] READY = "hackleak-serve 1\n".getBytes(StandardCharsets.US_ASCII);

  /** What a pipe takes without anybody reading; with more, writing might block for ever. */
  private static final int MOST = 32 * 1024;

  /** Polls begin this far apart, and grow to the second figure. */
  private static final long FIRST_POLL_NS = TimeUnit.MICROSECONDS.toNanos(50);

  private static final long LAST_POLL_NS = TimeUnit.MILLISECONDS.toNanos(1);

  private static ResidentReporter current;

  private final Path program;
  private final Process process;
  private Duration limit;

  /** A process that ends before it is ready, such as a program of another version. */
  static final class Unusable extends Exception {
    private static final long serialVersionUID = 1;

    Unusable(String message, Throwable cause) {
      super(message, cause);
    }
  }

  private ResidentReporter(Path program, Process process, Duration limit) {
    this.program = program;
    this.process = process;
    this.limit = limit;
  }

  /**
   * The answer to a request. One check at a time asks.
   *
   * @param arguments those of {@code hackleak report}
   * @throws Unusable if the program does not answer requests, or died twice
   * @throws ReporterException if there is no answer within the time
   */
  static synchronized ReporterAnswer ask(Path program, List<String> arguments, Duration timeout)
      throws Unusable, ReporterException {
    byte[] request = request(arguments);
    Deadline deadline = Deadline.in(timeout);
    if (current != null && current.program.equals(program) && current.process.isAlive()) {
      try {
        current.limit = timeout;
        return current.answer(request, deadline);
      } catch (IOException died) {
        // It was killed, say because memory was short. Its successor may do better.
        stop();
      }
    }
    stop();
    try {
      current = start(program, timeout, deadline);
      return current.answer(request, deadline);
    } catch (IOException e) {
      stop();
      throw new Unusable(e.getMessage(), e);
    }
  }

  /** Ends the process, if there is one. */
  static synchronized void stop() {
    if (current != null) {
      current.process.destroyForcibly();
      current = null;
    }
  }

  /** Whether one runs. */
  static synchronized boolean isRunning() {
    return current != null && current.process.isAlive();
  }

  private static ResidentReporter start(Path program, Duration timeout, Deadline deadline)
      throws IOException, ReporterException {
    ProcessBuilder builder = new ProcessBuilder(program.toString(), "serve");
    Reporter.withoutRecorder(builder);
    builder.redirectError(new File("/dev/null"));
    ResidentReporter started = new ResidentReporter(program, builder.start(), timeout);
    boolean ready = false;
    try {
      byte[] greeting = started.read(READY.length, deadline);
      if (!Arrays.equals(greeting, READY)) {
        throw new IOException("it is of another version");
      }
      ready = true;
    } finally {
      if (!ready) {
        started.process.destroyForcibly();
      }
    }
    return started;
  }

  private static byte[] request(List<String> arguments) throws Unusable {
    // As for the arguments of a process: that is how the names of files were decoded.
    Charset charset =
        Charset.forName(System.getProperty("sun.jnu.encoding", StandardCharsets.UTF_8.name()));
    try {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      for (String argument : arguments) {
        if (argument.indexOf('\0') >= 0) {
          throw new Unusable("an argument has a zero byte", null);
        }
        bytes.write(argument.getBytes(charset));
        bytes.write(0);
      }
      if (bytes.size() > MOST) {
        throw new Unusable("the request is too long", null);
      }
      ByteArrayOutputStream frame = new ByteArrayOutputStream();
      new DataOutputStream(frame).writeInt(bytes.size());
      bytes.writeTo(frame);
      return frame.toByteArray();
    } catch (IOException e) {
      throw new IllegalStateException("arrays take whatever is written", e);
    }
  }

  private ReporterAnswer answer(byte[] request, Deadline deadline)
      throws IOException, ReporterException {
    OutputStream to = process.getOutputStream();
    to.write(request);
    to.flush();
    ByteBuffer head = ByteBuffer.wrap(read(3 * Integer.BYTES, deadline));
    int exit = head.getInt();
    byte[] out = read(head.getInt(), deadline);
    byte[] err = read(head.getInt(), deadline);
    return new ReporterAnswer(
        exit, new String(out, StandardCharsets.UTF_8), new String(err, StandardCharsets.UTF_8));
  }

  /** Reads so many bytes; the JVM's streams have no time limit, so they are read when there are. */
  private byte[] read(int length, Deadline deadline) throws IOException, ReporterException {
    if (length < 0) {
      throw new IOException("its answer makes no sense");
    }
    byte[] bytes = new byte[length];
    InputStream from = process.getInputStream();
    int filled = 0;
    long pause = FIRST_POLL_NS;
    while (filled < length) {
      boolean alive = process.isAlive();
      int there = from.available();
      if (there > 0) {
        int read = from.read(bytes, filled, Math.min(there, length - filled));
        filled += Math.max(read, 0);
        pause = FIRST_POLL_NS;
      } else if (!alive) {
        throw new IOException("it ended with exit code " + process.exitValue());
      } else if (deadline.hasPassed()) {
        stop();
        process.destroyForcibly();
        throw new ReporterException(
            program + " was stopped after " + limit.toMillis() + " ms without an answer");
      } else {
        LockSupport.parkNanos(pause);
        pause = Math.min(pause * 2, LAST_POLL_NS);
      }
    }
    return bytes;
  }
}
