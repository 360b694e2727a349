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
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.CRC32;

/**
 * The recorder and the command, unpacked from the jar of hackleak-native.
 *
 * <p>They are unpacked once for each version and user, to {@code ~/.cache/hackleak}. There they lie
 * in a folder that is named after their version and content, and appears there whole: threads and
 * processes may unpack at the same time, and files in use are never overwritten. What was not used
 * for two weeks goes when another version comes.
 *
 * <p>Where that folder cannot be used, they are unpacked to one of the build's.
 */
public final class NativeFiles {
  private static final String LIBRARY = "libhackleak.so";
  private static final String COMMAND = "hackleak";
  private static final List<String> NAMES = Arrays.asList(LIBRARY, COMMAND);
  private static final String UNFINISHED = ".unpacking-";
  private static final Duration UNUSED = Duration.ofDays(14);

  /** What else lies beside the folders is somebody else's. */
  private static final Pattern OWN =
      Pattern.compile("\\d+\\.\\d+\\.\\d+.*-[0-9a-f]{8}|\\.unpacking-.*");

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
   * @param parent a folder of the build's. It gets a link to the files, or the files themselves if
   *     {@code ~/.cache/hackleak} cannot be written to, or if nothing can be run or preloaded from
   *     there.
   * @throws IOException if the files are not on the class path or cannot be written
   */
  public static NativeFiles unpack(Path parent) throws IOException {
    Path folder = folderFor(parent);
    if (isWhole(folder)) {
      used(folder);
    } else {
      Files.createDirectories(folder.getParent());
      Path unfinished = Files.createTempDirectory(folder.getParent(), UNFINISHED);
      try {
        for (String name : NAMES) {
          copy(name, unfinished.resolve(name));
        }
        Files.setPosixFilePermissions(unfinished, EXECUTABLE);
        removeBroken(folder);
        publish(unfinished, folder);
      } finally {
        delete(unfinished);
      }
      removeUnused(folder);
    }
    if (!folder.getParent().equals(parent.toAbsolutePath().normalize())) {
      link(parent, folder);
    }
    return new NativeFiles(folder);
  }

  /**
   * Where {@link #unpack} puts the files; writes nothing.
   *
   * @throws IOException if the files are not on the class path
   */
  public static NativeFiles in(Path parent) throws IOException {
    return new NativeFiles(folderFor(parent));
  }

  private static Path folderFor(Path parent) throws IOException {
    String name = name();
    Path cache = Paths.get(System.getProperty("user.home"), ".cache", "hackleak").toAbsolutePath();
    Path own = parent.toAbsolutePath().normalize();
    if (canBePreloaded(cache) && canBeRun(cache) && isWritable(cache.resolve(name))) {
      return cache.resolve(name);
    }
    if (canBePreloaded(own)) {
      return own.resolve(name);
    }
    if (canBePreloaded(cache)) {
      return cache.resolve(name);
    }
    throw new IOException(
        "no library can be preloaded from "
            + cache
            + " or "
            + own
            + ": LD_PRELOAD takes blanks and colons for separators");
  }

  /** The version, and a sum of what is in the files. */
  private static String name() throws IOException {
    CRC32 all = new CRC32();
    for (String name : NAMES) {
      long one = checksum(resource(name));
      for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
        all.update((int) (one >> shift));
      }
    }
    return String.format("%s-%08x", version(), all.getValue());
  }

  private static boolean canBePreloaded(Path path) {
    return path.toString().chars().noneMatch(c -> c == ':' || Character.isWhitespace(c));
  }

  /** Whether the folder is there, or can be made. */
  private static boolean isWritable(Path folder) {
    Path there = folder;
    while (there != null && !Files.exists(there)) {
      there = there.getParent();
    }
    return there != null
        && Files.isDirectory(there)
        && (there.equals(folder) || Files.isWritable(there));
  }

  /** Whether the file system lets programs be run. */
  private static boolean canBeRun(Path path) {
    String longest = "";
    boolean can = true;
    try {
      for (String line : Files.readAllLines(Paths.get("/proc/self/mounts"))) {
        String[] fields = line.split(" ");
        // A blank in the name of a mount point is told as an octal number.
        String point = fields[1].replace("\\040", " ");
        if (path.startsWith(point) && point.length() >= longest.length()) {
          longest = point;
          can = !Arrays.asList(fields[3].split(",")).contains("noexec");
        }
      }
    } catch (IOException | ArrayIndexOutOfBoundsException e) {
      return true;
    }
    return can;
  }

  /** Whether both files are there in full: somebody may have removed one of them, or part of it. */
  private static boolean isWhole(Path folder) throws IOException {
    for (String name : NAMES) {
      Path file = folder.resolve(name);
      if (!Files.isExecutable(file) || Files.size(file) != size(resource(name))) {
        return false;
      }
    }
    return true;
  }

  /** Files that a process has open stay with it. */
  private static void removeBroken(Path folder) throws IOException {
    if (Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS) && !isWhole(folder)) {
      delete(folder);
    }
  }

  /** Somebody needs this version still. */
  private static void used(Path folder) {
    try {
      Files.setLastModifiedTime(folder, FileTime.from(Instant.now()));
    } catch (IOException e) {
      // It is another user's, who looks after it.
    }
  }

  /** Removes other versions that nobody has used for long, and what was never finished. */
  private static void removeUnused(Path folder) {
    Instant limit = Instant.now().minus(UNUSED);
    try (Stream<Path> others = Files.list(folder.getParent())) {
      for (Path other : (Iterable<Path>) others::iterator) {
        if (!other.equals(folder)
            && OWN.matcher(other.getFileName().toString()).matches()
            && Files.isDirectory(other, LinkOption.NOFOLLOW_LINKS)
            && Files.getLastModifiedTime(other).toInstant().isBefore(limit)) {
          delete(other);
        }
      }
    } catch (IOException | UncheckedIOException e) {
      // Another process may do the same. What stays only takes room.
    }
  }

  /** For people: the build's folder shows where its files are. */
  private static void link(Path parent, Path folder) {
    Path link = parent.resolve(folder.getFileName());
    try {
      Files.createDirectories(parent);
      if (!Files.isSymbolicLink(link) || !Files.readSymbolicLink(link).equals(folder)) {
        Files.deleteIfExists(link);
        Files.createSymbolicLink(link, folder);
      }
    } catch (IOException | UnsupportedOperationException e) {
      // Nothing needs it.
    }
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

  static String resourceOf(String classifier, String name) {
    return "/dev/hackleak/native/" + classifier + "/" + name;
  }

  /** Whether the class path has files of this classifier. */
  static boolean arePacked(String classifier) {
    return NAMES.stream()
        .allMatch(name -> NativeFiles.class.getResource(resourceOf(classifier, name)) != null);
  }

  private static URL resource(String name) throws IOException {
    String classifier = Platform.current().classifier();
    URL found = NativeFiles.class.getResource(resourceOf(classifier, name));
    if (found == null) {
      throw new IOException(
          "dev.hackleak:hackleak-native, classifier "
              + classifier
              + ", is not on the plugin's class path");
    }
    return found;
  }

  private static long size(URL file) throws IOException {
    URLConnection connection = file.openConnection();
    if (connection instanceof JarURLConnection) {
      return ((JarURLConnection) connection).getJarEntry().getSize();
    }
    long size = connection.getContentLengthLong();
    connection.getInputStream().close();
    return size;
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
        Files.deleteIfExists(file);
      }
    }
    Files.deleteIfExists(folder);
  }
}
