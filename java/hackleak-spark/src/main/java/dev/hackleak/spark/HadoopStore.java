package dev.hackleak.spark;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** A folder of one of Hadoop's file systems, with a connection of its own. */
final class HadoopStore implements Store {
  private static final String SETTINGS = "spark.hadoop.";

  private final FileSystem files;
  private final Path folder;

  private HadoopStore(FileSystem files, Path folder) {
    this.files = files;
    this.folder = folder;
  }

  /**
   * Makes a connection, if the file system needs one; this may take as long as Hadoop tries.
   *
   * @throws IOException if there is no such file system, or it cannot be reached
   * @throws IllegalArgumentException if the folder's name is none
   */
  static HadoopStore open(String folder, Conf conf) throws IOException {
    Configuration settings = new Configuration();
    conf.startingWith(SETTINGS).forEach(settings::set);
    // Hadoop's own hook would close it while an executor still writes at its end.
    settings.setBoolean("fs.automatic.close", false);
    Path path = new Path(folder);
    FileSystem files = FileSystem.newInstance(path.toUri(), settings);
    if (Thread.currentThread().isInterrupted()) {
      files.close();
      throw new IOException("nobody waits for `" + folder + "` any more");
    }
    return new HadoopStore(files, files.makeQualified(path));
  }

  @Override
  public OutputStream create(String name) throws IOException {
    return files.create(path(name), true);
  }

  @Override
  public InputStream open(String name) throws IOException {
    return files.open(path(name));
  }

  @Override
  public long length(String name) throws IOException {
    return files.getFileStatus(path(name)).getLen();
  }

  @Override
  public boolean rename(String from, String to) throws IOException {
    return files.rename(path(from), path(to));
  }

  @Override
  public void delete(String name) throws IOException {
    files.delete(path(name), false);
  }

  @Override
  public String name(String file) {
    return path(file).toString();
  }

  private Path path(String name) {
    return new Path(folder, name);
  }

  @Override
  public void close() throws IOException {
    files.close();
  }
}
