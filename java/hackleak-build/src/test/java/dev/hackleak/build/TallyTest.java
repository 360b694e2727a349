package dev.hackleak.build;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.Collections;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TallyTest {
  @TempDir Path folder;

  private Path script(String... rows) throws IOException {
    Path script = folder.resolve("hackleak");
    String text = "#!/bin/sh\n[ \"$1\" = tally ] || exit 1\ncat <<'END'\n";
    text += String.join("\n", rows) + "\nEND\n";
    Files.write(script, text.getBytes(StandardCharsets.UTF_8));
    assertTrue(script.toFile().setExecutable(true));
    return script;
  }

  private Tally recorded(String... rows) throws IOException {
    Command command = new Command(script(rows));
    return new Tally().addImages(command, Collections.singletonList(folder.resolve("1.hackleak")));
  }

  private void results(String name, String... cases) throws IOException {
    String text = "<testsuite>" + String.join("\n", cases) + "</testsuite>";
    Files.write(folder.resolve(name), text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void theLineHasWhatLeakedAndWhatNobodyLookedAt() throws Exception {
    results(
        "TEST-example.StoreTest.xml",
        "<testcase name=\"a\" classname=\"example.StoreTest\" time=\"0\"/>",
        "<testcase name=\"b\" classname=\"example.StoreTest$Inner\">\n<failure/></testcase>");
    results(
        "TEST-example.OldTest.xml",
        "<testcase name=\"a\" classname=\"example.OldTest\"/>",
        "<testcase name=\"b\" classname=\"example.OldTest\"><failure>x</failure></testcase>",
        "<testcase name=\"c\" classname=\"example.OldTest\"><skipped/></testcase>");
    FileTime start = FileTime.fromMillis(0);
    String reason = Tally.reason(true, Arrays.asList("junit-4.13.2.jar", "x.jar"));
    Tally tally =
        recorded(
                "processes\t2",
                "checked\t112",
                "leaked\t3",
                "unknown\t0",
                "class\tStoreTest",
                "site\t3\tx < y")
            .addResults(folder, start, reason);
    assertEquals(
        "hackleak: 112 tests checked in 2 JVMs, 3 leaked (1 site in 3 tests);"
            + " 2 not checked (JUnit 4: add hackleak-junit4)",
        tally.line(""));
    Tally total = new Tally().add(tally).add(tally);
    assertEquals(
        "hackleak: all: 224 tests checked in 4 JVMs, 6 leaked (1 site in 6 tests);"
            + " 4 not checked (JUnit 4: add hackleak-junit4)",
        total.line("all"));
    Tally later =
        recorded("processes\t1", "checked\t1", "leaked\t0", "unknown\t1", "class\tStoreTest")
            .addResults(folder, FileTime.fromMillis(Long.MAX_VALUE), reason);
    assertEquals("hackleak: 1 test checked in 1 JVM, 0 leaked; 1 not known", later.line(""));
  }

  @Test
  void theReasonFitsTheClassPath() {
    assertEquals("everyTest is off", Tally.reason(false, Collections.emptyList()));
    assertEquals("", Tally.reason(true, Arrays.asList("junit-jupiter-api-5.14.4.jar")));
    assertEquals(
        "TestNG: add hackleak-testng",
        Tally.reason(
            true, Arrays.asList("testng-7.5.jar", "junit-4.12.jar", "hackleak-junit4-1.jar")));
    assertEquals(
        "ScalaTest: add hackleak-scalatest",
        Tally.reason(true, Arrays.asList("scalatest_2.13-3.2.19.jar")));
    assertEquals(
        "",
        Tally.reason(
            true, Arrays.asList("scalatest_2.13-3.2.19.jar", "hackleak-scalatest_2.13-1.jar")));
  }

  @Test
  void nothingIsSaidWhereNothingRan() throws Exception {
    Tally tally = new Tally().addResults(folder.resolve("none"), FileTime.fromMillis(0), "");
    assertTrue(tally.isEmpty());
  }
}
