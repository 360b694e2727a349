package example;

import dev.hackleak.junit.NoLeaks;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a check allows is allowed here, too. */
@NoLeaks(suppress = "AllowedTest.use")
class AllowedTest {
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

  private static void use() {
    KEPT.add(new Blocks());
  }
}
