package dev.hackleak.build;

import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What an earlier run of the tests has left in its folder. */
public final class EarlierRun {
  /** Images, the reports on failed checks, and those that a build makes of all images. */
  private static final Pattern FILES =
      Pattern.compile(".*\\.hackleak|leaks-\\d+-\\d+\\.json|(report|aggregate)\\.[a-z]+");

  /** The recorder's copies of libraries, by their build-id or their place in an image. */
  private static final Pattern MODULES =
      Pattern.compile("([0-9a-f]+|\\d+-\\d+-\\d+)(-from-memory)?");

  private EarlierRun() {}

  /**
   * Deletes the images, the reports and the copies of libraries, so that nobody takes them for
   * those of the run that begins. Whatever else lies in the folder stays.
   *
   * @param folder of the images; it need not be there
   * @throws IOException if a file cannot be deleted, with its name
   */
  public static void remove(Path folder) throws IOException {
    delete(folder, FILES);
    Path modules = folder.resolve("modules");
    delete(modules, MODULES);
    try {
      Files.deleteIfExists(modules);
    } catch (DirectoryNotEmptyException e) {
      // Somebody has put a file of his own there.
    }
  }

  private static void delete(Path folder, Pattern names) throws IOException {
    if (!Files.isDirectory(folder)) {
      return;
    }
    List<Path> files;
    try (Stream<Path> all = Files.list(folder)) {
      files =
          all.filter(file -> names.matcher(file.getFileName().toString()).matches())
              .filter(file -> Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS))
              .collect(Collectors.toList());
    }
    for (Path file : files) {
      Files.delete(file);
    }
  }
}
