package dev.hackleak.spark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/** What has come of images that are on their way to the driver, as files. Not thread-safe. */
final class Parts {
  private static final String TAKEN = "";

  /** All parts together may be as long as so many images. */
  private static final int IMAGES = 4;

  private final long most;
  private final long mostOfAll;
  private final long limitNanos;
  private final LongSupplier clock;
  private final Map<Path, Part> parts = new HashMap<>();

  /** What has come of an image until now. */
  private static final class Part {
    int pieces;
    long bytes;
    long last;
  }

  /**
   * @param most bytes of an image
   * @param limitNanos for how long an image is sent
   * @param clock in nanoseconds
   */
  Parts(long most, long limitNanos, LongSupplier clock) {
    this.most = most;
    mostOfAll = most > Long.MAX_VALUE / IMAGES ? Long.MAX_VALUE : most * IMAGES;
    this.limitNanos = limitNanos;
    this.clock = clock;
  }

  /**
   * Adds a piece to a file, which begins anew with the first. Nothing is left of one of which a
   * piece is not taken.
   *
   * @param content a piece's bytes, or else it is none
   * @return why it is not taken; empty if it is
   */
  String add(Path file, int number, Object content) throws IOException {
    if (number == 0) {
      drop(file);
    }
    Part part = parts.computeIfAbsent(file, any -> new Part());
    String refused = refusal(file, part, number, content);
    if (refused.isEmpty()) {
      byte[] bytes = (byte[]) content;
      part.pieces++;
      part.bytes += bytes.length;
      part.last = clock.getAsLong();
      Files.write(file, bytes, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } else {
      drop(file);
    }
    return refused;
  }

  private String refusal(Path file, Part part, int number, Object content) throws IOException {
    if (number != part.pieces || !(content instanceof byte[])) {
      return "the driver has got " + part.pieces + " pieces, and then piece " + number;
    }
    long length = ((byte[]) content).length;
    if (length > most - part.bytes) {
      return ReceivedImages.tooLong(most).getMessage();
    }
    if (length > mostOfAll - bytes()) {
      dropStale(file);
    }
    return length > mostOfAll - bytes()
        ? "the driver already gets as many images as it takes at once, "
            + mostOfAll
            + " bytes, see "
            + Setting.MAX_IMAGE_BYTES.key()
        : TAKEN;
  }

  private long bytes() {
    return parts.values().stream().mapToLong(part -> part.bytes).sum();
  }

  /** Removes those whose senders have been silent for too long, such as killed ones. */
  private void dropStale(Path besides) throws IOException {
    long now = clock.getAsLong();
    List<Path> stale = new ArrayList<>();
    parts.forEach(
        (file, part) -> {
          if (!file.equals(besides) && now - part.last > limitNanos) {
            stale.add(file);
          }
        });
    for (Path file : stale) {
      drop(file);
    }
  }

  /** Gives a file that is whole its name. */
  void finish(Path file, Path whole) throws IOException {
    Files.move(file, whole, StandardCopyOption.REPLACE_EXISTING);
    parts.remove(file);
  }

  /** Removes what has come of an image. */
  void drop(Path file) throws IOException {
    if (parts.remove(file) != null) {
      Files.deleteIfExists(file);
    }
  }

  /** Removes all. */
  void clear() {
    for (Path file : new ArrayList<>(parts.keySet())) {
      try {
        drop(file);
      } catch (IOException e) {
        // A file more in a folder of reports does no harm.
      }
    }
  }
}
