package dev.hackleak.spark;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/** What a folder of another host can do, by the names of its files. */
interface Store extends Closeable {
  /** Writes a file, in the place of another one of this name. */
  OutputStream create(String name) throws IOException;

  InputStream open(String name) throws IOException;

  /**
   * The bytes of a file.
   *
   * @throws java.io.FileNotFoundException if there is none
   */
  long length(String name) throws IOException;

  /** Whether a file has another name now; file systems differ when there is one of that name. */
  boolean rename(String from, String to) throws IOException;

  /** Deletes a file, if there is one. */
  void delete(String name) throws IOException;

  /** What a person calls a file there. */
  String name(String file);
}
