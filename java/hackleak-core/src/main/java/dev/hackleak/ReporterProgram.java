package dev.hackleak;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;

/** Finds the {@code hackleak} executable. */
final class ReporterProgram {
  private static final String NAME = "hackleak";
  private static final String VARIABLE = "HACKLEAK_CLI";

  private ReporterProgram() {}

  /**
   * The program that the system property names, else the environment variable, else the one beside
   * the recorder's library.
   */
  static Path find(Path library) throws ReporterException {
    String property = System.getProperty(SystemProperties.CLI);
    if (property != null) {
      return executable(Paths.get(property), "-D" + SystemProperties.CLI);
    }
    String variable = System.getenv(VARIABLE);
    if (variable != null && !variable.isEmpty()) {
      return executable(Paths.get(variable), VARIABLE);
    }
    return executable(
        library.resolveSibling(NAME),
        "neither -D" + SystemProperties.CLI + " nor " + VARIABLE + " is set");
  }

  private static Path executable(Path program, String origin) throws ReporterException {
    if (!Files.isRegularFile(program) || !Files.isExecutable(program)) {
      throw new ReporterException(program + " is not an executable file (" + origin + ")");
    }
    return program.toAbsolutePath();
  }
}
