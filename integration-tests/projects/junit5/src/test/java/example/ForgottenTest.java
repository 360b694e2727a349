package example;

import dev.hackleak.junit.NoLeaks;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@NoLeaks
class ForgottenTest {
  private static final List<NativeBuffer> OLDER = new ArrayList<>();

  private NativeBuffer opened;

  static {
    for (int i = 0; i < 3; i++) {
      OLDER.add(new NativeBuffer());
    }
  }

  @BeforeEach
  void open() {
    opened = new NativeBuffer();
  }

  @AfterEach
  void close() {
    if (opened != null) {
      opened.close();
    }
  }

  @Test
  void closed() {
    try (NativeBuffer buffer = new NativeBuffer()) {
      new NativeBuffer().close();
    }
  }

  @Test
  void forgotten() {
    for (int i = 0; i < 3; i++) {
      new NativeBuffer();
    }
  }

  @Test
  void forgottenInAfterEach() {
    opened = null;
  }

  @Test
  void forgottenWhileOlderOnesAreClosed() {
    new NativeBuffer();
    OLDER.forEach(NativeBuffer::close);
  }
}
