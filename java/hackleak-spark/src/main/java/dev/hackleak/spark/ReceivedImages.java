package dev.hackleak.spark;

import dev.hackleak.LeakEvidence;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * The packed images that executors of other hosts have sent, in the driver. What an executor says
 * decides on no name of a file. Thread-safe; nothing that may hang is done while it is locked.
 */
final class ReceivedImages {
  private static final String TAKEN = "";

  private final Supplier<String> application;
  private final long most;
  private final long limitMillis;
  private final Supplier<HadoopFolder> elsewhere;
  private final Path folder;
  private Path temporary;
  private boolean forgotten;
  private final Parts parts;
  private final Claims claims;
  private final Map<String, Path> whole = new HashMap<>();
  private final Map<String, String> written = new HashMap<>();
  private final Map<String, IOException> failed = new HashMap<>();

  /**
   * @param application its name, which nobody knows before executors are there
   * @param folder where they are kept, or null to keep them only until {@link #forget}
   * @param elsewhere where executors write them themselves, or null
   * @param most bytes of an image that the driver takes
   * @param limitMillis for how long an executor may send
   */
  ReceivedImages(
      Supplier<String> application,
      Path folder,
      Supplier<HadoopFolder> elsewhere,
      long most,
      long limitMillis) {
    this.application = application;
    this.folder = folder == null ? null : folder.toAbsolutePath().normalize();
    this.elsewhere = elsewhere;
    this.most = most;
    this.limitMillis = limitMillis;
    long limit = TimeUnit.MILLISECONDS.toNanos(limitMillis);
    parts = new Parts(most, limit, System::nanoTime);
    claims = new Claims(limit, System::nanoTime);
  }

  /** Why an image is refused that is too long. */
  static IOException tooLong(long most) {
    return new IOException(
        "the driver takes " + most + " bytes at most, see " + Setting.MAX_IMAGE_BYTES.key());
  }

  /**
   * Takes what an executor says of an image: that it will send one, a piece, that it has written
   * one elsewhere, or that it has failed.
   *
   * @return why it is not taken; empty if it is
   */
  String receive(Map<?, ?> message) {
    String executor = Message.text(message, Message.EXECUTOR);
    String from = Message.text(message, Message.FROM);
    if (!from.equals(ImageSender.plain(from)) || from.isEmpty()) {
      return "the driver knows no executor `" + from + "`";
    }
    try {
      if (Message.isWritten(message)) {
        return written(executor, from, message);
      }
      synchronized (this) {
        if (forgotten) {
          return "the driver has made its report";
        }
        if (Message.isClaimed(message)) {
          return has(executor) ? "it is here" : claims.claim(executor, from);
        }
        Path part = folder().resolve(name(executor) + ".part-from-" + from);
        if (Message.isAborted(message)) {
          parts.drop(part);
          claims.release(executor, from);
          return TAKEN;
        }
        return piece(executor, part, message);
      }
    } catch (IOException | RuntimeException | LinkageError e) {
      return "the driver cannot keep it: " + e;
    }
  }

  private String name(String executor) {
    return ImageSender.name(application.get(), executor);
  }

  private String piece(String executor, Path part, Map<?, ?> message) throws IOException {
    int number = (int) Message.number(message, Message.NUMBER);
    String refused = parts.add(part, number, message.get(Message.CONTENT));
    if (refused.isEmpty() && Boolean.TRUE.equals(message.get(Message.LAST))) {
      Path image = folder().resolve(name(executor));
      parts.finish(part, image);
      whole.put(executor, image);
      claims.close(executor);
    }
    return refused;
  }

  /** Looks at a file of another host, which may take long. */
  private String written(String executor, String from, Map<?, ?> message) throws IOException {
    HadoopFolder there = elsewhere.get();
    if (there == null) {
      return "the driver writes to no such folder";
    }
    String name = name(executor);
    if (!name.equals(Message.text(message, Message.NAME))) {
      return "the driver takes " + there.name(name) + ", and no other file";
    }
    long bytes = Message.number(message, Message.BYTES);
    if (bytes > most) {
      return tooLong(most).getMessage();
    }
    Deadline deadline = Deadline.of(Setting.SEND_LIMIT_MILLIS, limitMillis);
    if (deadline.call(() -> there.length(name)) != bytes) {
      return "the driver sees another file as " + there.name(name) + ": is the folder shared?";
    }
    synchronized (this) {
      written.put(executor, name);
      claims.close(executor);
    }
    return TAKEN;
  }

  /** Whether executors write their images to a folder of Hadoop's. */
  boolean isElsewhere() {
    return elsewhere.get() != null;
  }

  /** Whether the image of an executor is here, or elsewhere and whole. */
  synchronized boolean has(String executor) {
    return whole.containsKey(executor) || written.containsKey(executor);
  }

  /** Whether the image of a lost executor is worth asking for. */
  synchronized boolean mayCome(String executor) {
    return !has(executor) && claims.isOpen(executor);
  }

  /** Whether somebody sends the image of a lost executor now. */
  boolean isAnyUnderWay() {
    return claims.isAnyUnderWay();
  }

  /** What a person calls the place of an executor's image. */
  synchronized Optional<String> place(String executor) {
    String name = written.get(executor);
    HadoopFolder there = name == null ? null : elsewhere.get();
    if (there != null) {
      return Optional.of(there.name(name));
    }
    boolean isKept = folder != null && whole.containsKey(executor);
    return isKept ? Optional.of(whole.get(executor).toString()) : Optional.empty();
  }

  /**
   * What reads the image of an executor: where it is, if that can be read here, or else what came.
   *
   * @param deadline for copying it
   * @throws IOException if it was written elsewhere and cannot be copied
   * @throws IllegalArgumentException if this is no evidence
   */
  LeakEvidence evidence(String executor, String told, Deadline deadline) throws IOException {
    LeakEvidence there = LeakEvidence.parse(told);
    if (!has(executor) || there.isReadable()) {
      return there;
    }
    return there.at(copy(executor, deadline));
  }

  /** The same, for later; whatever fails is said then. */
  void prepare(String executor, String told, Deadline deadline) {
    try {
      if (has(executor)) {
        evidence(executor, told, deadline);
      }
    } catch (IOException | RuntimeException e) {
      // It fails again.
    }
  }

  /** The image of an executor as a file of this host. It is tried once. */
  Path copy(String executor, Deadline deadline) throws IOException {
    Path copy;
    String name;
    synchronized (this) {
      if (whole.containsKey(executor)) {
        return whole.get(executor);
      }
      if (failed.containsKey(executor)) {
        throw failed.get(executor);
      }
      name = written.get(executor);
      copy = Files.createTempFile(temporary(), "copy", PackedImage.EXTENSION);
    }
    HadoopFolder from = elsewhere.get();
    try {
      deadline.call(
          () -> {
            from.fetch(name, copy, most);
            return null;
          });
    } catch (IOException e) {
      synchronized (this) {
        failed.put(executor, e);
      }
      throw e;
    }
    synchronized (this) {
      whole.put(executor, copy);
    }
    return copy;
  }

  private Path folder() throws IOException {
    return folder == null ? temporary() : Files.createDirectories(folder);
  }

  private Path temporary() throws IOException {
    if (temporary == null) {
      temporary = Files.createTempDirectory("hackleak-images").toAbsolutePath().normalize();
    }
    return temporary;
  }

  /** Removes what is not to be kept: copies, and what came only in part. */
  synchronized void forget() {
    forgotten = true;
    parts.clear();
    if (temporary == null) {
      return;
    }
    try {
      try (DirectoryStream<Path> files = Files.newDirectoryStream(temporary)) {
        for (Path file : files) {
          Files.deleteIfExists(file);
        }
      }
      Files.deleteIfExists(temporary);
    } catch (IOException | RuntimeException e) {
      // A file more in a temporary folder does no harm.
    }
  }
}
