package dev.hackleak.build;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The command {@code hackleak}, run by a build. Safe for use by several threads. */
public final class Command {
  private static final String IMAGE_SUFFIX = ".hackleak";
  private static final int BUFFER_BYTES = 8192;

  private final Path program;

  /** The command among files that are unpacked. */
  public Command(NativeFiles files) {
    program = files.command();
  }

  Command(Path program) {
    this.program = program;
  }

  /** The images right in a folder, sorted by path; none if there is no such folder. */
  public static List<Path> images(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return Collections.emptyList();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> file.getFileName().toString().endsWith(IMAGE_SUFFIX))
          .sorted()
          .collect(Collectors.toList());
    }
  }

  /**
   * Runs {@code hackleak report} and waits for its end.
   *
   * @param images what to report from
   * @param arguments further arguments, before the images
   * @throws IOException if the command could not be started, or the thread was interrupted; the
   *     command is ended then, and the thread's flag is set
   */
  public Result report(Collection<Path> images, String... arguments) throws IOException {
    List<String> all = new ArrayList<>();
    Collections.addAll(all, arguments);
    images.forEach(image -> all.add(image.toString()));
    return run("report", all);
  }

  /** Runs one of the command's own commands. */
  Result run(String subcommand, List<String> arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(program.toString());
    command.add(subcommand);
    command.addAll(arguments);
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.redirectInput(new File("/dev/null"));
    // The build itself may be recorded; its reporter is not to be.
    builder.environment().remove(TestJvm.PRELOAD);
    builder.environment().remove(TestJvm.OPTIONS);
    Process process = builder.start();
    String output = text(process.getInputStream());
    try {
      return new Result(process.waitFor(), output);
    } catch (InterruptedException e) {
      process.destroy();
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while " + program + " ran", e);
    }
  }

  private static String text(InputStream in) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    byte[] buffer = new byte[BUFFER_BYTES];
    for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
      all.write(buffer, 0, count);
    }
    return new String(all.toByteArray(), StandardCharsets.UTF_8);
  }

  /**
   * How the command ended. The exit codes are those of {@code hackleak_options::exit_code} on the
   * native side, and a test there compares them.
   */
  public static final class Result {
    private static final int CLEAN = 0;
    private static final int LEAKS = 23;
    private static final int INCOMPLETE = 24;

    private final int code;
    private final String output;

    private Result(int code, String output) {
      this.code = code;
      this.output = output;
    }

    /** Whether the records are complete and nothing leaked. */
    public boolean isClean() {
      return code == CLEAN;
    }

    /** Whether something leaked. If it is neither clean nor leaking, that is not known. */
    public boolean hasLeaks() {
      return code == LEAKS;
    }

    /** Whether nothing is known to leak, and something is missing from the records. */
    public boolean isIncomplete() {
      return code == INCOMPLETE;
    }

    /** What a build that fails for a result that is not clean says, in one sentence. */
    public String verdict() {
      if (hasLeaks()) {
        return "hackleak: native memory leaked; suppress what is meant to stay, or accept it in a"
            + " baseline";
      }
      return isIncomplete()
          ? "hackleak: what leaked is not known, because a record is incomplete"
          : "hackleak: what leaked is not known, because the report failed with exit code " + code;
    }

    /** What the command printed, to both streams. */
    public String output() {
      return output;
    }
  }
}
