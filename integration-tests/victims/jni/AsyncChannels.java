import dev.hackleak.HackLeak;
import java.io.IOException;
import java.nio.channels.AsynchronousServerSocketChannel;
import java.nio.channels.Pipe;

/**
 * Opens and closes an asynchronous channel, whose group the JDK keeps; with {@code leak} it also drops
 * pipes of its own.
 */
public class AsyncChannels {
  static final int PIPES = 3;

  static void drop() throws IOException {
    for (int i = 0; i < PIPES; i++) {
      Pipe.open();
    }
  }

  public static void main(String[] args) throws IOException {
    HackLeak.checkpoint("start");
    AsynchronousServerSocketChannel.open().bind(null).close();
    if (args[0].equals("leak")) {
      drop();
    }
  }
}
