package dev.hackleak.spark;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * A folder that Hadoop's file systems write: {@code spark.hackleak.out} with a scheme, as in {@code
 * hdfs://name/leaks} or {@code file:///shared/leaks}. Thread-safe, as file systems are.
 */
final class HadoopFolder {
  private static final Pattern SCHEME = Pattern.compile("[a-zA-Z][a-zA-Z0-9+.-]*:.*");
  private static final String SETTINGS = "spark.hadoop.";
  private static final String PART = ".part";

  private final FileSystem files;
  private final Path folder;

  private HadoopFolder(FileSystem files, Path folder) {
    this.files = files;
    this.folder = folder;
  }

  /** Whether a folder is one of Hadoop's, and no plain path of this host. */
  static boolean isOne(String folder) {
    return SCHEME.matcher(folder).matches();
  }

  /**
   * Makes a connection, if the file system needs one; this may take as long as Hadoop tries.
   *
   * @throws IOException if there is no such file system, or it cannot be reached
   * @throws IllegalArgumentException if the folder's name is none
   */
  static HadoopFolder open(String folder, Conf conf) throws IOException {
    Configuration settings = new Configuration();
    conf.startingWith(SETTINGS).forEach(settings::set);
    // Hadoop's own hook would close it while an executor still writes at its end.
    settings.setBoolean("fs.automatic.close", false);
    Path path = new Path(folder);
    FileSystem files = FileSystem.newInstance(path.toUri(), settings);
    return new HadoopFolder(files, files.makeQualified(path));
  }

  /** What writes a file. */
  interface Content {
    void writeTo(OutputStream to) throws IOException;
  }

  /**
   * Writes a file. It has its name when it is whole; another one of this name is replaced.
   *
   * @throws IOException if it cannot be written
   */
  void write(String name, Content content) throws IOException {
    Path part = new Path(folder, name + PART);
    Path whole = new Path(folder, name);
    try {
      try (OutputStream to = files.create(part, true)) {
        content.writeTo(to);
      }
      files.delete(whole, false);
      if (!files.rename(part, whole)) {
        throw new IOException("`" + part + "` cannot be renamed to `" + whole + "`");
      }
    } catch (IOException | RuntimeException e) {
      files.delete(part, false);
      throw e;
    }
  }

  void write(String name, String text) throws IOException {
    write(name, to -> to.write(text.getBytes(StandardCharsets.UTF_8)));
  }

  /** The bytes of a file. */
  long length(String name) throws IOException {
    return files.getFileStatus(new Path(folder, name)).getLen();
  }

  /** Copies a file to this host. */
  void fetch(String name, java.nio.file.Path to) throws IOException {
    try (java.io.InputStream from = files.open(new Path(folder, name))) {
      java.nio.file.Files.copy(from, to, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    }
  }

  /** What a person calls a file there. */
  String name(String file) {
    return new Path(folder, file).toString();
  }

  @Override
  public String toString() {
    return folder.toString();
  }
}
