package example;

import dev.hackleak.junit.NoLeaks;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A static list that is only ever added to. */
@NoLeaks
class ListTest {
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

  private static void use() {
    KEPT.add(new Blocks());
  }
}
