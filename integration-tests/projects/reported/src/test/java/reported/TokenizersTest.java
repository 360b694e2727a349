package reported;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import dev.hackleak.junit.NoLeaks;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The Hugging Face tokenizers of DJL: Rust. */
@NoLeaks
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

  /** deepjavalibrary/djl#3316: what is cut off is copied, and nobody deletes the copy. */
  @Test
  void truncated() throws IOException {
    Map<String, String> options = Map.of("truncation", "true", "maxLength", "2");
    try (HuggingFaceTokenizer tokenizer =
        HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(TOKENIZER.getBytes()), options)) {
      for (int i = 0; i < 10; i++) {
        Encoding encoding = tokenizer.encode("who frees what");
        assertArrayEquals(new long[] {1, 2}, encoding.getIds());
      }
    }
  }
}
