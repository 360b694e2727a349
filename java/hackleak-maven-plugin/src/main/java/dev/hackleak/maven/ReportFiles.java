package dev.hackleak.maven;

import dev.hackleak.build.Command;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;

/** Writes reports, one file for each format of {@code hackleak report}. */
final class ReportFiles {
  private ReportFiles() {}

  /**
   * Writes {@code NAME.json} for the format json, and so on.
   *
   * @throws IOException if a report cannot be written; the message is the command's
   */
  static void write(
      Command command, Collection<Path> images, Path folder, String name, List<String> formats)
      throws IOException {
    Files.createDirectories(folder);
    for (String format : formats) {
      Path file = folder.resolve(name + "." + extension(format.trim()));
      Files.deleteIfExists(file);
      Command.Result result =
          command.report(images, "--format", format.trim(), "--output", file.toString());
      // Leaks and an incomplete record are the business of the goal `check`.
      if (!Files.exists(file)) {
        throw new IOException(result.output().trim());
      }
    }
  }

  private static String extension(String format) {
    switch (format) {
      case "text":
        return "txt";
      case "markdown":
        return "md";
      case "junit-xml":
        return "xml";
      default:
        return format;
    }
  }
}
