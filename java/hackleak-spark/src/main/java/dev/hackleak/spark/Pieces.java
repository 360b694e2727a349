package dev.hackleak.spark;

import java.io.IOException;
import java.io.OutputStream;
import java.util.Arrays;
import java.util.HashMap;
import org.apache.spark.api.plugin.PluginContext;

/** Sends a packed image to the driver, piece by piece: each is asked for its arrival. */
final class Pieces extends OutputStream {
  /** Far below the longest message that Spark sends. */
  private static final int PIECE = 1 << 20;

  private final PluginContext context;
  private final String executor;
  private final long most;
  private final byte[] piece = new byte[PIECE];
  private int filled;
  private long sent;
  private int number;

  /**
   * @param executor whose image it is
   * @param most how many bytes are sent
   */
  Pieces(PluginContext context, String executor, long most) {
    this.context = context;
    this.executor = executor;
    this.most = most;
  }

  @Override
  public void write(int one) throws IOException {
    write(new byte[] {(byte) one}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int from, int length) throws IOException {
    for (int done = 0; done < length; ) {
      if (filled == PIECE) {
        send(false);
      }
      int part = Math.min(length - done, PIECE - filled);
      System.arraycopy(bytes, from + done, piece, filled, part);
      filled += part;
      done += part;
    }
  }

  /**
   * Sends what is left, after which the driver has all.
   *
   * @throws IOException if the driver does not take it; the message says why
   */
  void finish() throws IOException {
    send(true);
  }

  private void send(boolean last) throws IOException {
    sent += filled;
    if (sent > most) {
      throw Bounded.tooLong(most);
    }
    HashMap<String, Object> message = Message.piece(executor, context.executorID());
    message.put(Message.NUMBER, number++);
    message.put(Message.CONTENT, Arrays.copyOf(piece, filled));
    message.put(Message.LAST, last);
    filled = 0;
    String refused = ImageSender.ask(context, message);
    if (!refused.isEmpty()) {
      throw new IOException(refused);
    }
  }
}
