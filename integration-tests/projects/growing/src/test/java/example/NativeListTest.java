package example;

import dev.hackleak.junit.NoLeaks;
import org.junit.jupiter.api.Test;

/** The same in native code. */
@NoLeaks
class NativeListTest {
  @Test
  void first() {
    use();
  }

  @Test
  void second() {
    use();
  }

  @Test
  void third() {
    use();
  }

  @Test
  void fourth() {
    use();
  }

  @Test
  void fifth() {
    use();
  }

  @Test
  void sixth() {
    use();
  }

  private static void use() {
    Blocks.register();
  }
}
