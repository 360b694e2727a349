package dev.hackleak.spark;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/** A stream that takes only so many bytes. */
final class Bounded extends FilterOutputStream {
  private final long most;
  private long written;

  Bounded(OutputStream to, long most) {
    super(to);
    this.most = most;
  }

  /** Why no more is taken. */
  static IOException tooLong(long most) {
    return new IOException(
        "it has more than " + most + " bytes, see " + Setting.MAX_IMAGE_BYTES.key());
  }

  @Override
  public void write(int one) throws IOException {
    write(new byte[] {(byte) one}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int from, int length) throws IOException {
    written += length;
    if (written > most) {
      throw tooLong(most);
    }
    out.write(bytes, from, length);
  }
}
