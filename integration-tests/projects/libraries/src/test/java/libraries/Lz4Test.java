package libraries;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.hackleak.Held;
import dev.hackleak.junit.NoLeaks;
import java.util.ArrayList;
import java.util.List;
import net.jpountz.lz4.LZ4Factory;
import net.jpountz.xxhash.StreamingXXHash64;
import net.jpountz.xxhash.XXHashFactory;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** lz4-java: C; the streaming hashes are its only handles. */
@NoLeaks
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class Lz4Test {
  private static final byte[] PLAIN = "compress me, ".repeat(10_000).getBytes();
  private static final List<Object> KEPT = new ArrayList<>();

  /** The library's first use: nothing has warmed it up. */
  @Test
  @Order(1)
  void closed() throws Exception {
    Use.repeat(100, Lz4Test::use);
  }

  @Test
  @NoLeaks(held = Held.FAIL)
  void hashNotClosed() {
    for (int i = 0; i < 10; i++) {
      StreamingXXHash64 hash = XXHashFactory.nativeInstance().newStreamingHash64(i);
      hash.update(PLAIN, 0, PLAIN.length);
      KEPT.add(hash);
    }
  }

  static void use() {
    LZ4Factory lz4 = LZ4Factory.nativeInstance();
    byte[] fast = lz4.fastCompressor().compress(PLAIN);
    byte[] high = lz4.highCompressor().compress(PLAIN);
    assertArrayEquals(PLAIN, lz4.safeDecompressor().decompress(fast, PLAIN.length));
    assertArrayEquals(PLAIN, lz4.fastDecompressor().decompress(high, PLAIN.length));
    try (StreamingXXHash64 hash = XXHashFactory.nativeInstance().newStreamingHash64(1)) {
      hash.update(PLAIN, 0, PLAIN.length);
      hash.getValue();
    }
  }
}
