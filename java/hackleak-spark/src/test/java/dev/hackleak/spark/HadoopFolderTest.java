package dev.hackleak.spark;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HadoopFolderTest {
  @TempDir private Path place;

  private List<String> files() throws IOException {
    try (Stream<Path> files = Files.list(place)) {
      return files.map(file -> file.getFileName().toString()).sorted().collect(Collectors.toList());
    }
  }

  private String content(String name) throws IOException {
    return new String(Files.readAllBytes(place.resolve(name)), StandardCharsets.UTF_8);
  }

  private static HadoopFolder.Content text(String text) {
    return to -> {
      to.write(text.getBytes(StandardCharsets.UTF_8));
      return true;
    };
  }

  @Test
  void twoSendersOfOneImageDoNotDestroyEachOthers() throws IOException {
    HadoopFolder folder = new HadoopFolder(new LocalStore(place));
    // The other one begins and ends while the first one writes.
    HadoopFolder.Content slow =
        to -> {
          to.write('a');
          assertTrue(folder.writeImage("image", "2", text("abc")));
          to.write('b');
          to.write('c');
          return true;
        };
    assertTrue(folder.writeImage("image", "1", slow));
    assertEquals("abc", content("image"));
    assertEquals(1, files().size());
  }

  @Test
  void anImageThatIsThereStays() throws IOException {
    List<String> deleted = new java.util.ArrayList<>();
    HadoopFolder folder =
        new HadoopFolder(
            new LocalStore(place) {
              @Override
              public void delete(String name) throws IOException {
                deleted.add(name);
                super.delete(name);
              }
            });
    folder.writeImage("image", "1", text("abc"));
    deleted.clear();
    folder.writeImage("image", "2", text("xyz"));
    assertEquals("abc", content("image"));
    assertFalse(deleted.contains("image"), deleted::toString);
    folder.writeImage("image", "2", text("longer"));
    assertEquals("longer", content("image"));
    assertEquals(1, files().size());
  }

  @Test
  void aTextIsReplaced() throws IOException {
    HadoopFolder folder = new HadoopFolder(new LocalStore(place));
    folder.write("report", "abc");
    folder.write("report", "xyz");
    assertEquals("xyz", content("report"));
  }

  @Test
  void nothingIsLeftOfAnImageThatIsNotWhole() throws IOException {
    HadoopFolder folder = new HadoopFolder(new LocalStore(place));
    assertFalse(folder.writeImage("image", "1", to -> false));
    assertTrue(files().isEmpty());
  }

  @Test
  void whatFailedFirstIsSaid() {
    HadoopFolder folder =
        new HadoopFolder(
            new LocalStore(place) {
              @Override
              public void delete(String name) throws IOException {
                throw new IOException("it cannot be deleted");
              }
            });
    HadoopFolder.Content full =
        to -> {
          throw new IOException("the disk is full");
        };
    IOException failed =
        assertThrows(IOException.class, () -> folder.writeImage("image", "1", full));
    assertEquals("the disk is full", failed.getMessage());
    assertEquals("it cannot be deleted", failed.getSuppressed()[0].getMessage());
  }

  @Test
  void noMoreIsCopiedThanOneTakes() throws IOException {
    HadoopFolder folder = new HadoopFolder(new LocalStore(place));
    folder.write("report", "abc");
    Path copy = place.resolve("copy");
    folder.fetch("report", copy, 3);
    assertArrayEquals(new byte[] {'a', 'b', 'c'}, Files.readAllBytes(copy));
    IOException failed = assertThrows(IOException.class, () -> folder.fetch("report", copy, 2));
    assertEquals(ReceivedImages.tooLong(2).getMessage(), failed.getMessage());
  }
}
