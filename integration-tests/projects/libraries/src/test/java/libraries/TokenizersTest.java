package libraries;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import dev.hackleak.Held;
import dev.hackleak.junit.NoLeaks;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** The Hugging Face tokenizers of DJL: Rust. */
@NoLeaks
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class TokenizersTest {
  private static final String TOKENIZER =
      """
      {
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
        "normalizer": null, "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": null, "decoder": null,
        "model": {
          "type": "WordLevel", "unk_token": "?",
          "vocab": {"?": 0, "who": 1, "frees": 2, "what": 3}
        }
      }
      """;

  private static final List<Object> KEPT = new ArrayList<>();

  /** The library's first use: nothing has warmed it up. */
  @Test
  @Order(1)
  void closed() throws Exception {
    Use.repeat(100, TokenizersTest::use);
  }

  @Test
  @NoLeaks(held = Held.FAIL)
  void tokenizerNotClosed() throws IOException {
    for (int i = 0; i < 10; i++) {
      HuggingFaceTokenizer tokenizer = open();
      tokenizer.encode("who frees this?");
      KEPT.add(tokenizer);
    }
  }

  static void use() throws IOException {
    try (HuggingFaceTokenizer tokenizer = open()) {
      assertArrayEquals(new long[] {1, 2, 0}, tokenizer.encode("who frees nothing").getIds());
    }
  }

  private static HuggingFaceTokenizer open() throws IOException {
    return HuggingFaceTokenizer.newInstance(
        new ByteArrayInputStream(TOKENIZER.getBytes()), Map.of());
  }
}
