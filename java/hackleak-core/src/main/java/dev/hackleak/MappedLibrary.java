package dev.hackleak;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** Finds the file behind the recorder that is already mapped into this process. */
final class MappedLibrary {
  static final String NAME = "libhackleak.so";
  private static final String DELETED = " (deleted)";

  private MappedLibrary() {}

  /**
   * The path of the mapped recorder, or empty when none is mapped.
   *
   * @param maps a file in the format of {@code /proc/self/maps}, see proc_pid_maps(5)
   * @throws IllegalStateException if the file was deleted or replaced since it was mapped, or if
   *     several different ones are mapped
   */
  static Optional<String> find(Path maps) throws IOException {
    Set<String> paths = new TreeSet<>();
    // ISO-8859-1 decodes any bytes; lines of other files may hold what is not UTF-8.
    for (String line : Files.readAllLines(maps, StandardCharsets.ISO_8859_1)) {
      int start = line.indexOf('/');
      if (start >= 0 && isRecorder(line.substring(start))) {
        byte[] path = line.substring(start).getBytes(StandardCharsets.ISO_8859_1);
        paths.add(new String(path, StandardCharsets.UTF_8));
      }
    }
    if (paths.isEmpty()) {
      return Optional.empty();
    }
    if (paths.size() > 1) {
      throw new IllegalStateException(
          "several copies of " + NAME + " are mapped, preload exactly one: " + paths);
    }
    String path = paths.iterator().next();
    if (path.endsWith(DELETED)) {
      throw new IllegalStateException(
          path.substring(0, path.length() - DELETED.length())
              + " was deleted or replaced after this JVM started");
    }
    return Optional.of(path);
  }

  private static boolean isRecorder(String path) {
    return path.endsWith("/" + NAME) || path.endsWith("/" + NAME + DELETED);
  }
}
