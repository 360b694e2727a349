package dev.hackleak.spark;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;

/**
 * An image as it travels: packed with gzip. Most of an image is zeros. It is packed in pieces, each
 * a member of the file, and pieces of zeros are packed once and for all.
 */
final class PackedImage {
  /** The end of its name, which {@code hackleak report} knows. */
  static final String EXTENSION = ".hackleak.gz";

  private static final int PIECE = 1 << 20;
  private static final byte[] ZEROS = new byte[PIECE];

  private PackedImage() {}

  /**
   * Packs an image as it is at this moment.
   *
   * @return whether it is whole; a process that runs may have made it longer meanwhile
   * @throws IOException if it cannot be read, or not be written, or this thread is interrupted
   */
  static boolean pack(Path image, OutputStream to) throws IOException {
    byte[] zeros = member(ZEROS, PIECE);
    byte[] piece = new byte[PIECE];
    long before = Files.size(image);
    try (InputStream from = Files.newInputStream(image)) {
      for (long left = before; left > 0; ) {
        int length = fill(from, piece, (int) Math.min(PIECE, left));
        if (length == 0) {
          return false;
        }
        left -= length;
        boolean isZeros = length == PIECE && Arrays.equals(piece, ZEROS);
        to.write(isZeros ? zeros : member(piece, length));
        if (Thread.interrupted()) {
          throw new InterruptedIOException("it took too long");
        }
      }
    }
    return Files.size(image) == before;
  }

  private static byte[] member(byte[] content, int length) throws IOException {
    ByteArrayOutputStream member = new ByteArrayOutputStream();
    try (GZIPOutputStream packing = new Fast(member)) {
      packing.write(content, 0, length);
    }
    return member.toByteArray();
  }

  private static int fill(InputStream from, byte[] piece, int most) throws IOException {
    int length = 0;
    while (length < most) {
      int more = from.read(piece, length, most - length);
      if (more < 0) {
        break;
      }
      length += more;
    }
    return length;
  }

  /** An executor that ends has little time. */
  private static final class Fast extends GZIPOutputStream {
    Fast(OutputStream to) throws IOException {
      super(to);
      def.setLevel(Deflater.BEST_SPEED);
    }
  }
}
