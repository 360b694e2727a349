package dev.hackleak.build;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.JarURLConnection;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.stream.Stream;
import java.util.zip.CRC32;

/**
 * The recorder and the command, unpacked from the jar of hackleak-native.
 *
 * <p>They lie in a folder that is named after their version and content, and appears there whole:
 * threads and processes may unpack at the same time, and files in use are never overwritten.
 */
public final class NativeFiles {
  private static final String RESOURCES = "/dev/hackleak/native/linux-x86_64/";
  private static final String LIBRARY = "libhackleak.so";
  private static final String COMMAND = "hackleak";
  private static final List<String> NAMES = Arrays.asList(LIBRARY, COMMAND);
  private static final String UNFINISHED = ".unpacking-";
  private static final Set<PosixFilePermission> EXECUTABLE =
      PosixFilePermissions.fromString("rwxr-xr-x");
  private static final int BUFFER_BYTES = 64 * 1024;

  private final Path folder;

  private NativeFiles(Path folder) {
    this.folder = folder;
  }

  /**
   * Unpacks both files, unless they are there already.
   *
   * @param parent where the folder with the files goes; if nothing can be preloaded from there,
   *     {@code ~/.cache/hackleak} is used
   * @throws IOException if the files are not on the class path or cannot be written
   */
  public static NativeFiles unpack(Path parent) throws IOException {
    Path folder = folderIn(parent);
    if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
      Files.createDirectories(folder.getParent());
      Path unfinished = Files.createTempDirectory(folder.getParent(), UNFINISHED);
      try {
        for (String name : NAMES) {
          copy(name, unfinished.resolve(name));
        }
        Files.setPosixFilePermissions(unfinished, EXECUTABLE);
        publish(unfinished, folder);
      } finally {
        delete(unfinished);
      }
    }
    return new NativeFiles(folder);
  }

  /**
   * Where {@link #unpack} puts the files; writes nothing.
   *
   * @throws IOException if the files are not on the class path
   */
  public static NativeFiles in(Path parent) throws IOException {
    return new NativeFiles(folderIn(parent));
  }

  private static Path folderIn(Path parent) throws IOException {
    Path usable = parent.toAbsolutePath().normalize();
    if (!canBePreloaded(usable)) {
      usable = Paths.get(System.getProperty("user.home"), ".cache", "hackleak").toAbsolutePath();
    }
    if (!canBePreloaded(usable)) {
      throw new IOException(
          "no library can be preloaded from "
              + parent
              + " or "
              + usable
              + ": LD_PRELOAD takes blanks and colons for separators");
    }
    CRC32 all = new CRC32();
    for (String name : NAMES) {
      long one = checksum(resource(name));
      for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
        all.update((int) (one >> shift));
      }
    }
    return usable.resolve(String.format("%s-%08x", version(), all.getValue()));
  }

  private static boolean canBePreloaded(Path path) {
    return path.toString().chars().noneMatch(c -> c == ':' || Character.isWhitespace(c));
  }

  /** The recorder, to be preloaded. */
  public Path library() {
    return folder.resolve(LIBRARY);
  }

  /** The command. */
  public Path command() {
    return folder.resolve(COMMAND);
  }

  /** The version of HackLeak. */
  public static String version() {
    Properties properties = new Properties();
    try (InputStream in = NativeFiles.class.getResourceAsStream("version.properties")) {
      properties.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return properties.getProperty("version");
  }

  private static URL resource(String name) throws IOException {
    URL found = NativeFiles.class.getResource(RESOURCES + name);
    if (found == null) {
      throw new IOException(
          "dev.hackleak:hackleak-native, classifier linux-x86_64, is not on the plugin's class"
              + " path");
    }
    return found;
  }

  /** A jar's directory has the sum already, so that nothing is read in the usual case. */
  private static long checksum(URL file) throws IOException {
    URLConnection connection = file.openConnection();
    if (connection instanceof JarURLConnection) {
      return ((JarURLConnection) connection).getJarEntry().getCrc();
    }
    CRC32 sum = new CRC32();
    byte[] buffer = new byte[BUFFER_BYTES];
    try (InputStream in = connection.getInputStream()) {
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        sum.update(buffer, 0, count);
      }
    }
    return sum.getValue();
  }

  private static void copy(String name, Path to) throws IOException {
    try (InputStream in = resource(name).openStream()) {
      Files.copy(in, to);
    }
    // Not when it is made: the umask would take some away.
    Files.setPosixFilePermissions(to, EXECUTABLE);
  }

  /** A folder moves onto no other that has files: of several that unpack, the first one wins. */
  private static void publish(Path unfinished, Path folder) throws IOException {
    try {
      Files.move(unfinished, folder, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      throw e;
    } catch (FileSystemException e) {
      if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
        throw e;
      }
    }
  }

  /** Nothing is left of it if it was published. */
  private static void delete(Path folder) throws IOException {
    if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        Files.delete(file);
      }
    }
    Files.delete(folder);
  }
}
