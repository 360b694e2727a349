import dev.hackleak.HackLeak;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Writes a buffer of the heap to a file, for which the JDK keeps a direct one, and keeps a direct one itself. */
public class IoBuffers {
  static ByteBuffer kept;

  public static void main(String[] args) throws Exception {
    HackLeak.checkpoint("start");
    Path file = Files.createTempFile("hackleak", ".bin");
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.allocate(2_999_993));
    }
    Files.delete(file);
    kept = ByteBuffer.allocateDirect(1_999_993);
    // A thread that ends gives its buffers back.
    System.exit(0);
  }
}
