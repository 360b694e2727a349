package libraries;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.hackleak.Held;
import dev.hackleak.junit.NoLeaks;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.xerial.snappy.BitShuffle;
import org.xerial.snappy.BitShuffleType;
import org.xerial.snappy.Snappy;
import org.xerial.snappy.SnappyFramedInputStream;
import org.xerial.snappy.SnappyFramedOutputStream;
import org.xerial.snappy.pool.QuiescentBufferPool;

/**
 * snappy-java: C++ functions without handles; what can leak are the direct buffers they work on.
 */
@NoLeaks
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class SnappyTest {
  private static final byte[] PLAIN = "compress me, ".repeat(10_000).getBytes();
  private static final List<Object> KEPT = new ArrayList<>();

  /** The library's first use: nothing has warmed it up. */
  @Test
  @Order(1)
  void closed() throws Exception {
    Use.repeat(100, SnappyTest::use);
  }

  @Test
  @NoLeaks(held = Held.FAIL)
  void streamNotClosed() throws IOException {
    byte[] packed = pack();
    for (int i = 0; i < 10; i++) {
      SnappyFramedInputStream in = unpacking(packed);
      in.readAllBytes();
      KEPT.add(in);
    }
  }

  static void use() throws IOException {
    assertArrayEquals(PLAIN, Snappy.uncompress(Snappy.compress(PLAIN)));
    ByteBuffer shuffled = ByteBuffer.allocateDirect(800);
    BitShuffle.shuffle(ByteBuffer.allocateDirect(800), BitShuffleType.LONG, shuffled);
    try (SnappyFramedInputStream in = unpacking(pack())) {
      assertArrayEquals(PLAIN, in.readAllBytes());
    }
  }

  private static byte[] pack() throws IOException {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (SnappyFramedOutputStream out =
        new SnappyFramedOutputStream(packed, QuiescentBufferPool.getInstance())) {
      out.write(PLAIN);
    }
    return packed.toByteArray();
  }

  private static SnappyFramedInputStream unpacking(byte[] packed) throws IOException {
    return new SnappyFramedInputStream(
        new ByteArrayInputStream(packed), QuiescentBufferPool.getInstance());
  }
}
