package example;

import dev.hackleak.junit.NoLeaks;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A cache that fills up, and then stays as it is. */
@NoLeaks
class FilledTest {
  private static final List<Blocks> KEPT = new ArrayList<>();

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

  @Test
  void tenth() {
    use();
  }

  @Test
  void eleventh() {
    use();
  }

  private static void use() {
    if (KEPT.size() < 5) {
      KEPT.add(new Blocks());
    }
  }
}
