package dev.hackleak.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PartsTest {
  @TempDir private Path folder;
  private final AtomicLong now = new AtomicLong(-7);
  private final Parts parts = new Parts(10, 100, now::get);

  private String add(String name, int number, int length) throws IOException {
    return parts.add(folder.resolve(name), number, new byte[length]);
  }

  @Test
  void allPartsTogetherAreBounded() throws IOException {
    for (int part = 0; part < 4; part++) {
      assertEquals("", add("part " + part, 0, 10));
    }
    String refused = add("one more", 0, 1);
    assertTrue(refused.contains("as many images as it takes at once, 40 bytes"), refused);
    assertFalse(Files.exists(folder.resolve("one more")));

    parts.finish(folder.resolve("part 0"), folder.resolve("whole"));
    assertEquals("", add("one more", 0, 1));
  }

  @Test
  void whatNobodySendsAnyMoreMakesRoom() throws IOException {
    add("of a killed one", 0, 10);
    now.addAndGet(60);
    for (int part = 1; part < 4; part++) {
      add("part " + part, 0, 10);
    }
    now.addAndGet(60);
    assertEquals("", add("one more", 0, 1));
    assertFalse(Files.exists(folder.resolve("of a killed one")));
    assertTrue(Files.exists(folder.resolve("part 1")));
  }

  @Test
  void aClaimEndsWithItsTime() {
    Claims claims = new Claims(100, now::get);
    assertEquals("", claims.claim("3", "4"));
    now.addAndGet(99);
    assertEquals("executor 4 sends it", claims.claim("3", "5"));
    now.addAndGet(1);
    assertFalse(claims.isAnyUnderWay());
    assertEquals("", claims.claim("3", "5"));
    // What the first one says now is too late to count.
    claims.release("3", "4");
    assertTrue(claims.isAnyUnderWay());
    assertEquals("", claims.claim("9", "4"));
  }
}
