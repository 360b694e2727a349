package example;

import dev.hackleak.junit.NoLeaks;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** A list that is emptied when the class has ended. */
@NoLeaks
class ClearedListTest {
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

  @AfterAll
  static void close() {
    KEPT.forEach(Blocks::close);
  }

  private static void use() {
    KEPT.add(new Blocks());
  }
}
