package dev.hackleak.spark;

import dev.hackleak.LeakEvidence;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/** The packed images that executors of other hosts have sent, in the driver. Thread-safe. */
final class ReceivedImages {
  private static final String TAKEN = "";

  private final Supplier<String> application;
  private final long most;
  private final Supplier<HadoopFolder> elsewhere;
  private final Path folder;
  private Path temporary;
  private final Map<String, Part> parts = new HashMap<>();
  private final Map<String, Path> whole = new HashMap<>();
  private final Map<String, String> written = new HashMap<>();

  /** What has come of an image until now. */
  private static final class Part {
    int pieces;
    long bytes;
  }

  /**
   * @param application its name, which nobody knows before executors are there
   * @param folder where they are kept, or null to keep them only until {@link #forget}
   * @param elsewhere where executors write them themselves, or null
   * @param most bytes of an image that the driver takes
   */
  ReceivedImages(
      Supplier<String> application, Path folder, Supplier<HadoopFolder> elsewhere, long most) {
    this.application = application;
    this.folder = folder;
    this.elsewhere = elsewhere;
    this.most = most;
  }

  /**
   * Takes a piece of an image, or the news that one was written elsewhere.
   *
   * @return why it is not taken; empty if it is
   */
  synchronized String receive(Map<?, ?> message) {
    try {
      return Message.isPiece(message) ? piece(message) : written(message);
    } catch (IOException | RuntimeException e) {
      return "the driver cannot keep it: " + e;
    }
  }

  private String piece(Map<?, ?> message) throws IOException {
    String executor = Message.text(message, Message.EXECUTOR);
    Object content = message.get(Message.CONTENT);
    int number = (int) Message.number(message, Message.NUMBER);
    String name = ImageSender.name(application.get(), executor);
    Path file = folder().resolve(name + ".part-from-" + Message.text(message, Message.FROM));
    Part part = parts.computeIfAbsent(file.toString(), any -> new Part());
    if (number == 0) {
      Files.deleteIfExists(file);
      part.pieces = 0;
      part.bytes = 0;
    }
    if (number != part.pieces || !(content instanceof byte[])) {
      return "the driver has got " + part.pieces + " pieces, and then piece " + number;
    }
    byte[] bytes = (byte[]) content;
    part.pieces++;
    part.bytes += bytes.length;
    if (part.bytes > most) {
      Files.deleteIfExists(file);
      return "the driver takes " + most + " bytes at most, see " + Setting.MAX_IMAGE_BYTES.key();
    }
    Files.write(file, bytes, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    if (Boolean.TRUE.equals(message.get(Message.LAST))) {
      Path image = folder().resolve(name);
      Files.move(file, image, StandardCopyOption.REPLACE_EXISTING);
      whole.put(executor, image);
    }
    return TAKEN;
  }

  private String written(Map<?, ?> message) throws IOException {
    HadoopFolder there = elsewhere.get();
    if (there == null) {
      return "the driver writes to no such folder";
    }
    String name = Message.text(message, Message.NAME);
    if (there.length(name) != Message.number(message, Message.BYTES)) {
      return "the driver sees another file as " + there.name(name) + ": is the folder shared?";
    }
    written.put(Message.text(message, Message.EXECUTOR), name);
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
   * @throws IOException if it was written elsewhere and cannot be copied
   * @throws IllegalArgumentException if this is no evidence
   */
  synchronized LeakEvidence evidence(String executor, String told) throws IOException {
    LeakEvidence there = LeakEvidence.parse(told);
    if (!has(executor) || there.isReadable()) {
      return there;
    }
    String name = written.get(executor);
    if (name != null && !whole.containsKey(executor)) {
      Path copy = temporary().resolve(name);
      elsewhere.get().fetch(name, copy);
      whole.put(executor, copy);
    }
    return there.at(whole.get(executor));
  }

  private Path folder() throws IOException {
    return folder == null ? temporary() : Files.createDirectories(folder);
  }

  private Path temporary() throws IOException {
    if (temporary == null) {
      temporary = Files.createTempDirectory("hackleak-images");
    }
    return temporary;
  }

  /** Removes what is not to be kept: copies, and what came only in part. */
  synchronized void forget() {
    List<Path> files = new ArrayList<>();
    parts.keySet().forEach(part -> files.add(java.nio.file.Paths.get(part)));
    if (temporary != null) {
      whole.values().stream().filter(file -> file.startsWith(temporary)).forEach(files::add);
      files.add(temporary);
    }
    for (Path file : files) {
      try {
        Files.deleteIfExists(file);
      } catch (IOException e) {
        // A file more in a temporary folder does no harm.
      }
    }
  }
}
