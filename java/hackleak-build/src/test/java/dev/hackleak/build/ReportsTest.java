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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReportsTest {
  @TempDir static Path recorded;
  private static Command command;
  private static List<Path> images;

  @TempDir Path folder;

  @BeforeAll
  static void recordALeak() throws Exception {
    NativeFiles files = NativeFiles.unpack(recorded.resolve("native"));
    command = new Command(files);
    OtherJvm.record(files, recorded, Leaky.class);
    images = Command.images(recorded);
  }

  @ParameterizedTest
  @CsvSource({
    "text, report.txt",
    "markdown, report.md",
    "junit-xml, report.xml",
    "json, report.json",
    "html, report.html",
    "sarif, report.sarif",
    "' json', report.json",
  })
  void eachFormatHasAFileOfItsOwn(String format, String name) {
    assertEquals(folder.resolve(name), Reports.file(folder, "report", format));
  }

  @Test
  void everyFormatIsWrittenAndALeakIsNoError() throws Exception {
    Path reports = folder.resolve("not/yet/there");
    List<String> formats = Arrays.asList("text", " markdown", "junit-xml", "json", "html", "sarif");
    Reports.write(command, images, reports, "all", formats);
    for (String format : formats) {
      Path file = Reports.file(reports, "all", format);
      String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
      assertTrue(text.contains("dev.hackleak.build.Leaky"), file + ": " + text);
    }
    String json =
        new String(Files.readAllBytes(reports.resolve("all.json")), StandardCharsets.UTF_8);
    assertTrue(json.contains(String.valueOf(Leaky.BYTES)), json);
  }

  @Test
  void anUnknownFormatIsNamedAndTheReportOfAnEarlierRunIsGone() throws Exception {
    Path stale = Files.createFile(folder.resolve("report.nonsense"));
    IOException refused =
        assertThrows(
            IOException.class,
            () ->
                Reports.write(
                    command, images, folder, "report", Collections.singletonList("nonsense")));
    assertTrue(refused.getMessage().contains("nonsense"), refused::getMessage);
    assertFalse(Files.exists(stale));
  }

  @Test
  void anUnreadableImageIsNamed() throws Exception {
    Path image = Files.createFile(folder.resolve("1.hackleak"));
    IOException refused =
        assertThrows(
            IOException.class,
            () ->
                Reports.write(
                    command,
                    Collections.singletonList(image),
                    folder,
                    "report",
                    Collections.singletonList("json")));
    assertTrue(refused.getMessage().contains(image.toString()), refused::getMessage);
  }
}
