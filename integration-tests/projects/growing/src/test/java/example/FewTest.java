package example;

import dev.hackleak.junit.NoLeaks;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Four tests tell nothing. */
@NoLeaks
class FewTest {
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

  private static void use() {
    KEPT.add(new Blocks());
  }
}
