package example;

import dev.hackleak.junit.NoLeaks;
import java.util.ArrayDeque;
import java.util.Deque;
import org.junit.jupiter.api.Test;

/** A cache that drops its oldest entry. */
@NoLeaks
class BoundedTest {
  private static final Deque<Blocks> CACHE = new ArrayDeque<>();

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

  @Test
  void seventh() {
    use();
  }

  @Test
  void eighth() {
    use();
  }

  @Test
  void ninth() {
    use();
  }

  private static void use() {
    CACHE.add(new Blocks());
    if (CACHE.size() > 5) {
      CACHE.remove().close();
    }
  }
}
