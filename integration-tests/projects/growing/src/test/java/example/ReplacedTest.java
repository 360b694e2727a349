package example;

import dev.hackleak.junit.NoLeaks;
import org.junit.jupiter.api.Test;

/** A cache of one entry, which each test replaces. */
@NoLeaks
class ReplacedTest {
  private static Blocks cached;

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
    if (cached != null) {
      cached.close();
    }
    cached = new Blocks();
  }
}
