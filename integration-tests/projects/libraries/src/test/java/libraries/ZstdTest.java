package libraries;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdDictCompress;
import com.github.luben.zstd.ZstdInputStream;
import com.github.luben.zstd.ZstdOutputStream;
import dev.hackleak.Held;
import dev.hackleak.junit.NoLeaks;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** zstd-jni: C; each context is one handle that {@code close} frees. */
@NoLeaks
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ZstdTest {
  private static final byte[] PLAIN = "compress me, ".repeat(10_000).getBytes();
  private static final byte[] DICTIONARY = "what compresses well: compress me, ".getBytes();
  private static final List<Object> KEPT = new ArrayList<>();

  /** The library's first use: nothing has warmed it up. */
  @Test
  @Order(1)
  void closed() throws Exception {
    Use.repeat(100, ZstdTest::use);
  }

  @Test
  void contextNotClosed() {
    for (int i = 0; i < 10; i++) {
      ZstdCompressCtx context = new ZstdCompressCtx();
      context.setLevel(3).compress(PLAIN);
    }
  }

  @Test
  @NoLeaks(held = Held.FAIL)
  void streamNotClosed() throws IOException {
    byte[] packed = pack();
    for (int i = 0; i < 10; i++) {
      ZstdInputStream in = new ZstdInputStream(new ByteArrayInputStream(packed));
      in.readAllBytes();
      KEPT.add(in);
    }
  }

  static void use() throws IOException {
    try (ZstdDictCompress dictionary = new ZstdDictCompress(DICTIONARY, 3);
        ZstdCompressCtx compress = new ZstdCompressCtx();
        ZstdDecompressCtx decompress = new ZstdDecompressCtx()) {
      byte[] packed = compress.loadDict(dictionary).compress(PLAIN);
      assertArrayEquals(PLAIN, decompress.loadDict(DICTIONARY).decompress(packed, PLAIN.length));
    }
    try (ZstdInputStream in = new ZstdInputStream(new ByteArrayInputStream(pack()))) {
      assertArrayEquals(PLAIN, in.readAllBytes());
    }
  }

  private static byte[] pack() throws IOException {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (ZstdOutputStream out = new ZstdOutputStream(packed)) {
      out.write(PLAIN);
    }
    return packed.toByteArray();
  }
}
