package dev.hackleak.build;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CommandTest {
  @TempDir static Path natives;
  private static NativeFiles files;

  @TempDir Path folder;

  @BeforeAll
  static void unpack() throws IOException {
    files = NativeFiles.unpack(natives);
  }

  private Path write(String name, String content) throws IOException {
    return Files.write(folder.resolve(name), content.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void imagesAreSortedAndOtherFilesAreNone() throws Exception {
    Path second = write("2.hackleak", "");
    Path first = write("1.hackleak", "");
    write("report.json", "");
    assertEquals(Arrays.asList(first, second), Command.images(folder));
  }

  @Test
  void aFolderThatIsNotThereHasNoImages() throws Exception {
    assertEquals(Collections.emptyList(), Command.images(folder.resolve("nowhere")));
  }

  @Test
  void anUnreadableImageIsNeitherCleanNorALeak() throws Exception {
    Path image = write("1.hackleak", "no image");
    Command.Result result = new Command(files).report(Collections.singletonList(image));
    assertFalse(result.isClean());
    assertFalse(result.hasLeaks());
    assertTrue(result.output().contains(image.toString()), result::output);
    assertFalse(result.isIncomplete());
    assertTrue(result.verdict().endsWith("failed with exit code 1"), result::verdict);
  }

  @Test
  void aLeakOfATestJvmIsFound() throws Exception {
    OtherJvm.record(files, folder, Leaky.class);
    List<Path> images = Command.images(folder);
    assertEquals(1, images.size());
    Command.Result result = new Command(files).report(images);
    assertTrue(result.hasLeaks(), result::output);
    assertFalse(result.isClean());
    assertTrue(result.output().contains("1,999,992 bytes leaked in 1 block"), result::output);
    assertTrue(result.verdict().contains("native memory leaked"), result::verdict);
  }

  @Test
  void theCleanTwinIsClean() throws Exception {
    OtherJvm.record(files, folder, Clean.class);
    List<Path> images = Command.images(folder);
    assertEquals(1, images.size());
    Command.Result result = new Command(files).report(images);
    assertTrue(result.isClean(), result::output);
    assertFalse(result.hasLeaks());
  }

  @Test
  void argumentsAreHandedOn() throws Exception {
    Command.Result result =
        new Command(files).report(Collections.emptyList(), "--no-such-argument");
    assertFalse(result.isClean());
    assertTrue(result.output().contains("--no-such-argument"), result::output);
  }

  @Test
  void aCommandThatIsNotThereIsNamed() throws Exception {
    NativeFiles missing = NotUnpacked.in(folder);
    IOException refused =
        assertThrows(IOException.class, () -> new Command(missing).report(Collections.emptyList()));
    assertTrue(refused.getMessage().contains(missing.command().toString()), refused::getMessage);
  }
}
