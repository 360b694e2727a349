package dev.hackleak;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongConsumer;

/**
 * Has the {@code hackleak} executable read this process's image: symbols and debug information are
 * parsed over there, never in the JVM under test.
 *
 * <p>The {@link ResidentReporter} answers. Where it cannot, a process is started for each check,
 * which is said once. That one writes into two files rather than into pipes. Files cannot fill up
 * and block it, and need no threads here to empty them, which matters while the JVM ends.
 */
final class Reporter {
  /**
   * Causes for which the image says less than the recorder has in memory: then the recorder itself
   * is asked. For all others, such as events that were never recorded, it knows no better.
   */
  private static final Set<String> IMAGE_ONLY =
      Collections.unmodifiableSet(new HashSet<>(Arrays.asList("damaged", "full-disk")));

  /** Programs that cannot stay. */
  private static final Set<Path> UNUSABLE = ConcurrentHashMap.newKeySet();

  private static final AtomicInteger REPORTS = new AtomicInteger();

  /** Meant for the process under test: the reporter must be neither recorded nor traced. */
  private static final List<String> NOT_INHERITED =
      Arrays.asList("LD_PRELOAD", "HACKLEAK_OPTIONS", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS");

  private final Path program;
  private final Duration timeout;

  Reporter(Path program, Duration timeout) {
    this.program = program;
    this.timeout = timeout;
  }

  /**
   * What leaked since the epoch, as far as it counts for the check.
   *
   * @param judging the number of the recorder's judging, or 0 where nobody knows who holds what
   */
  LeakReport report(RecorderDescription recorder, int epoch, LeakCheck check, int judging)
      throws ReporterException {
    List<String> arguments = new ArrayList<>();
    arguments.add(recorder.image().toString());
    arguments.addAll(Arrays.asList("--since", Integer.toString(epoch)));
    arguments.addAll(check.arguments());
    if (judging != 0) {
      arguments.addAll(Arrays.asList("--judging", Integer.toString(judging)));
    }
    arguments.addAll(Arrays.asList("--covered", "--format", "lines"));
    arguments.addAll(Arrays.asList("--json-on-failure", nextJson(recorder).toString()));
    CoveredSites covered = CoveredSites.of(recorder, check);
    return judge(ask(arguments), covered::add);
  }

  /** Has {@link CoveredSites} know what rules leave out of that, before anything else is done. */
  void covered(RecorderDescription recorder, int epoch, LeakCheck check) throws ReporterException {
    List<String> arguments = new ArrayList<>();
    arguments.add(recorder.image().toString());
    arguments.addAll(Arrays.asList("--since", Integer.toString(epoch)));
    arguments.addAll(check.arguments());
    arguments.addAll(Arrays.asList("--covered", "--format", "lines"));
    CoveredSites covered = CoveredSites.of(recorder, check);
    LinesParser.parse(usable(ask(arguments)).out, covered::add);
  }

  /** What is not seen of this process: a report without leaks, with libraries and kinds. */
  LeakReport unseen(RecorderDescription recorder) throws ReporterException {
    List<String> arguments =
        Arrays.asList(recorder.image().toString(), "--unseen", "--format", "lines");
    return LinesParser.parse(usable(ask(arguments)).out);
  }

  /** Asks the resident reporter, and a process of its own where that one cannot be used. */
  private ReporterAnswer ask(List<String> arguments) throws ReporterException {
    if (!UNUSABLE.contains(program)) {
      // A test that was interrupted, say by its time limit, still gets its report.
      boolean interrupted = Thread.interrupted();
      try {
        return ResidentReporter.ask(program, arguments, timeout);
      } catch (ResidentReporter.Unusable e) {
        if (UNUSABLE.add(program)) {
          System.err.println(
              "hackleak: each check starts a reporter of its own, because `"
                  + program
                  + " serve` cannot be used: "
                  + e.getMessage());
        }
      } finally {
        if (interrupted) {
          Thread.currentThread().interrupt();
        }
      }
    }
    return once(arguments);
  }

  private ReporterAnswer once(List<String> arguments) throws ReporterException {
    List<String> command = new ArrayList<>(Arrays.asList(program.toString(), "report"));
    command.addAll(arguments);
    Path out = null;
    Path err = null;
    try {
      out = Files.createTempFile("hackleak-report", ".out");
      err = Files.createTempFile("hackleak-report", ".err");
      int exit = run(command, out, err);
      return new ReporterAnswer(exit, read(out), read(err));
    } catch (IOException e) {
      throw new ReporterException(program + " cannot be run: " + e.getMessage(), e);
    } finally {
      delete(out);
      delete(err);
    }
  }

  /** Keeps from a process what is meant for the one under test. */
  static void withoutRecorder(ProcessBuilder builder) {
    builder.environment().keySet().removeAll(NOT_INHERITED);
  }

  private int run(List<String> command, Path out, Path err) throws IOException, ReporterException {
    ProcessBuilder builder = new ProcessBuilder(command);
    withoutRecorder(builder);
    builder.redirectOutput(out.toFile()).redirectError(err.toFile());
    // A test that was interrupted, say by its time limit, still gets its report.
    boolean interrupted = Thread.interrupted();
    Process process = builder.start();
    try {
      process.getOutputStream().close();
      if (!process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new ReporterException(
            program + " was stopped after " + timeout.toMillis() + " ms without an answer");
      }
      return process.exitValue();
    } catch (InterruptedException e) {
      interrupted = true;
      throw new ReporterException("the wait for " + program + " was interrupted", e);
    } finally {
      process.destroyForcibly();
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private ReporterAnswer usable(ReporterAnswer answer) throws ReporterException {
    int exit = answer.exit;
    if (exit != ExitCode.CLEAN && exit != ExitCode.LEAKS && exit != ExitCode.INCOMPLETE) {
      String why = answer.err.trim().isEmpty() ? "nothing on stderr" : answer.err.trim();
      throw new ReporterException(program + " failed with exit code " + exit + ": " + why);
    }
    return answer;
  }

  private LeakReport judge(ReporterAnswer answer, LongConsumer covered) throws ReporterException {
    int exit = answer.exit;
    LeakReport report = LinesParser.parse(usable(answer).out, covered);
    int due =
        report.fails()
            ? ExitCode.LEAKS
            : report.incomplete().isEmpty() ? ExitCode.CLEAN : ExitCode.INCOMPLETE;
    if (exit != due) {
      throw new ReporterException(
          program
              + " contradicts itself: exit code "
              + exit
              + ", "
              + report.blocks()
              + " blocks, incomplete for "
              + report.incomplete());
    }
    if (exit == ExitCode.INCOMPLETE && !Collections.disjoint(report.incomplete(), IMAGE_ONLY)) {
      throw new ReporterException(
          "the image is incomplete (" + String.join(", ", report.incomplete()) + ")");
    }
    return report;
  }

  /** Process ids are not unique in a folder that containers share, so the name is tried. */
  private static Path nextJson(RecorderDescription recorder) {
    Path json;
    do {
      String name = "leaks-" + recorder.pid() + "-" + REPORTS.incrementAndGet() + ".json";
      json = recorder.image().resolveSibling(name);
    } while (Files.exists(json));
    return json;
  }

  private static String read(Path file) throws IOException {
    return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
  }

  private static void delete(Path file) {
    try {
      if (file != null) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      // It stays in the folder for temporary files; the report is what counts.
    }
  }
}
