package dev.hackleak.build;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;

/** The files that the goal or task {@code report} writes, one for each format. */
public final class Reports {
  private Reports() {}

  /**
   * Writes a report in each of the formats, in place of those of an earlier run. That something
   * leaked is no error.
   *
   * @param images the images to report from, at least one
   * @param folder where the files go; made if it is not there
   * @param name the name of the files without an extension
   * @param formats as {@code hackleak report --format} has them
   * @throws IOException if a report could not be written, with what the command said as message
   */
  public static void write(
      Command command, Collection<Path> images, Path folder, String name, List<String> formats)
      throws IOException {
    Files.createDirectories(folder);
    for (String format : formats) {
      Path file = file(folder, name, format);
      Files.deleteIfExists(file);
      Command.Result result =
          command.report(images, "--format", format.trim(), "--output", file.toString());
      if (!Files.exists(file)) {
        throw new IOException(result.output().trim());
      }
    }
  }

  /** The file of a report in a format. */
  public static Path file(Path folder, String name, String format) {
    return folder.resolve(name + "." + extension(format.trim()));
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
