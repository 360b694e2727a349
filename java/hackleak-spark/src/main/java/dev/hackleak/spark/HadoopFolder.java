package dev.hackleak.spark;

import java.io.Closeable;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;

/**
 * A folder that Hadoop's file systems write: {@code spark.hackleak.out} with a scheme, as in {@code
 * hdfs://name/leaks} or {@code file:///shared/leaks}. Thread-safe, as file systems are.
 */
final class HadoopFolder implements Closeable {
  private static final Pattern SCHEME = Pattern.compile("[a-zA-Z][a-zA-Z0-9+.-]*:.*");
  private static final String PART = ".part-from-";

  /** Who writes the report. */
  private static final String REPORT = "report";

  private final Store store;

  HadoopFolder(Store store) {
    this.store = store;
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
    return new HadoopFolder(HadoopStore.open(folder, conf));
  }

  /** What writes a file. */
  interface Content {
    /** Returns whether the file is whole. */
    boolean writeTo(OutputStream to) throws IOException;
  }

  /**
   * Writes an image, which has its name when it is whole. Several may write the same image at once:
   * each writes a file of its own, and one that is there with the right length stays.
   *
   * @param sender who writes it
   * @return whether it is whole; if not, nothing of it is there
   * @throws IOException if it cannot be written
   */
  boolean writeImage(String name, String sender, Content content) throws IOException {
    return write(name, ImageSender.plain(sender), true, content);
  }

  /**
   * Writes a text, in the place of another file of this name.
   *
   * @throws IOException if it cannot be written
   */
  void write(String name, String text) throws IOException {
    write(
        name,
        REPORT,
        false,
        to -> {
          to.write(text.getBytes(StandardCharsets.UTF_8));
          return true;
        });
  }

  private boolean write(String name, String sender, boolean staysIfSame, Content content)
      throws IOException {
    String part = name + PART + sender;
    boolean isWhole = false;
    try {
      try (OutputStream to = store.create(part)) {
        isWhole = content.writeTo(to);
      }
      if (!isWhole || isPlaced(part, name, staysIfSame)) {
        store.delete(part);
      }
    } catch (IOException | RuntimeException e) {
      try {
        store.delete(part);
      } catch (IOException | RuntimeException alsoFailed) {
        e.addSuppressed(alsoFailed);
      }
      throw e;
    }
    return isWhole;
  }

  /** Gives a part its name; returns whether another one has it already and the part is left. */
  private boolean isPlaced(String part, String name, boolean staysIfSame) throws IOException {
    long length = store.length(part);
    if (staysIfSame && hasLength(name, length)) {
      return true;
    }
    store.delete(name);
    if (store.rename(part, name)) {
      return false;
    }
    // Another one may have been faster.
    if (staysIfSame && hasLength(name, length)) {
      return true;
    }
    throw new IOException(
        "`" + store.name(part) + "` cannot be renamed to `" + store.name(name) + "`");
  }

  private boolean hasLength(String name, long length) throws IOException {
    try {
      return store.length(name) == length;
    } catch (FileNotFoundException e) {
      return false;
    }
  }

  /** The bytes of a file. */
  long length(String name) throws IOException {
    return store.length(name);
  }

  /**
   * Copies a file to this host.
   *
   * @throws IOException if it cannot be read, or has more bytes
   */
  void fetch(String name, Path to, long most) throws IOException {
    byte[] piece = new byte[1 << 16];
    long copied = 0;
    try (InputStream from = store.open(name);
        OutputStream copy = Files.newOutputStream(to)) {
      for (int length; (length = from.read(piece)) >= 0; ) {
        copied += length;
        if (copied > most) {
          throw ReceivedImages.tooLong(most);
        }
        copy.write(piece, 0, length);
      }
    }
  }

  /** What a person calls a file there. */
  String name(String file) {
    return store.name(file);
  }

  @Override
  public void close() throws IOException {
    store.close();
  }
}
