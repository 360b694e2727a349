package dev.hackleak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MappedLibraryTest {
  private static final String HEAP = "7f0a2c000000-7f0a2c021000 rw-p 00000000 00:00 0 \n";
  private static final String OTHER =
      "7f0a2d000000-7f0a2d028000 r--p 00000000 fd:01 131 /lib/libhackleak.so.old/libc.so.6\n";

  @TempDir Path folder;

  @Test
  void oneFileInSeveralMappings() throws IOException {
    String path = "/srv/a b/ünïcode/libhackleak.so";
    assertEquals(Optional.of(path), find(HEAP + mapping(path) + OTHER + mapping(path)));
  }

  @Test
  void notMapped() throws IOException {
    assertEquals(Optional.empty(), find(HEAP + OTHER));
  }

  @Test
  void replacedWhileTheJvmRuns() {
    String maps = HEAP + mapping("/srv/libhackleak.so (deleted)");
    Exception e = assertThrows(IllegalStateException.class, () -> find(maps));
    assertEquals(
        "/srv/libhackleak.so was deleted or replaced after this JVM started", e.getMessage());
  }

  @Test
  void twoCopies() {
    String maps = mapping("/srv/libhackleak.so") + mapping("/opt/libhackleak.so");
    Exception e = assertThrows(IllegalStateException.class, () -> find(maps));
    assertTrue(e.getMessage().contains("/opt/libhackleak.so, /srv/libhackleak.so"), e.getMessage());
  }

  private static String mapping(String path) {
    return "7f0a2e000000-7f0a2e012000 r-xp 00001000 fd:01 4711                     " + path + "\n";
  }

  private Optional<String> find(String maps) throws IOException {
    Path file = folder.resolve("maps");
    Files.write(file, maps.getBytes(StandardCharsets.UTF_8));
    return MappedLibrary.find(file);
  }
}
