package dev.hackleak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Paths;
import org.junit.jupiter.api.Test;

class RecorderDescriptionTest {
  private static final String LINES =
      "image=/out/a=b.hackleak\nlibrary=/lib/libhackleak.so\npid=4711\noptions=track=new\n";

  @Test
  void valuesMayHoldEqualsSigns() {
    RecorderDescription description = RecorderDescription.parse(LINES + "degraded=0\n");
    assertEquals(Paths.get("/out/a=b.hackleak"), description.image());
    assertEquals(Paths.get("/lib/libhackleak.so"), description.library());
    assertEquals(4711, description.pid());
    assertFalse(description.degraded());
    assertTrue(RecorderDescription.parse(LINES + "degraded=1").degraded());
  }

  @Test
  void missingKeysAreNamed() {
    Exception e = assertThrows(IllegalStateException.class, () -> RecorderDescription.parse(LINES));
    assertTrue(e.getMessage().contains("lacks degraded"), e.getMessage());
  }
}
