package dev.hackleak.build;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EarlierRunTest {
  @TempDir Path folder;

  private void files(String... names) throws IOException {
    for (String name : names) {
      Path file = folder.resolve(name);
      Files.createDirectories(file.getParent());
      Files.createFile(file);
    }
  }

  private Set<String> left() throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.filter(Files::isRegularFile)
          .map(file -> folder.relativize(file).toString())
          .collect(Collectors.toCollection(TreeSet::new));
    }
  }

  @Test
  void whatWasRecordedAndReportedGoes() throws Exception {
    files(
        "java-4711.hackleak",
        "leaks-4711-1.json",
        "leaks-4711-12.json",
        "report.json",
        "report.html",
        "aggregate.txt",
        "modules/0123456789abcdef",
        "modules/1790000000000000000-4711-17",
        "modules/0123456789abcdef-from-memory");
    EarlierRun.remove(folder);
    assertEquals(new TreeSet<>(), left());
    assertFalse(Files.exists(folder.resolve("modules")));
  }

  @Test
  void whatIsSomebodyElsesStays() throws Exception {
    String[] others = {
      "leaks.baseline.json",
      "leaks-today.json",
      "my-report.json",
      "modules/notes.txt",
      "native/0.1.0-12345678/hackleak",
      "report.d/report.json"
    };
    files(others);
    EarlierRun.remove(folder);
    assertEquals(new TreeSet<>(Arrays.asList(others)), left());
  }

  @Test
  void aFolderThatIsNotThereHasNothing() throws Exception {
    EarlierRun.remove(folder.resolve("nowhere"));
    assertFalse(Files.exists(folder.resolve("nowhere")));
  }
}
