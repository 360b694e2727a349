package reported;

import com.github.luben.zstd.ZstdDictCompress;
import com.github.luben.zstd.ZstdDictDecompress;
import dev.hackleak.junit.NoLeaks;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

/** zstd-jni: C. */
@NoLeaks
class ZstdTest {
  private static final byte[] WORDS = "what compresses well: compress me, ".getBytes();

  /** luben/zstd-jni#310: {@code close} frees nothing of a dictionary made by reference. */
  @Test
  void dictionaryByReference() {
    ByteBuffer words = ByteBuffer.allocateDirect(WORDS.length).put(WORDS).flip();
    for (int i = 0; i < 10; i++) {
      new ZstdDictCompress(words, 3, true).close();
      new ZstdDictDecompress(words, true).close();
    }
  }
}
