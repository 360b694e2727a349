package dev.hackleak.spark;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** A folder of this host that behaves as one of HDFS: a file that is there is not replaced. */
class LocalStore implements Store {
  final Path folder;
  boolean isClosed;

  LocalStore(Path folder) {
    this.folder = folder;
  }

  @Override
  public OutputStream create(String name) throws IOException {
    return Files.newOutputStream(folder.resolve(name));
  }

  @Override
  public InputStream open(String name) throws IOException {
    return Files.newInputStream(folder.resolve(name));
  }

  @Override
  public long length(String name) throws IOException {
    if (!Files.exists(folder.resolve(name))) {
      throw new FileNotFoundException(name);
    }
    return Files.size(folder.resolve(name));
  }

  @Override
  public boolean rename(String from, String to) throws IOException {
    if (Files.exists(folder.resolve(to))) {
      return false;
    }
    Files.move(folder.resolve(from), folder.resolve(to));
    return true;
  }

  @Override
  public void delete(String name) throws IOException {
    Files.deleteIfExists(folder.resolve(name));
  }

  @Override
  public String name(String file) {
    return "far:/" + file;
  }

  @Override
  public void close() {
    isClosed = true;
  }
}
