package dev.hackleak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A shell script stands in for the {@code hackleak} executable. */
class ReporterTest {
  private static final String LEAK =
      "printf 'hackleak-lines\\t1\\ntotal\\t1999993\\t1\\ntext\\tleaked it\\nend\\n'\n";

  @TempDir Path folder;
  private SimulatedRecording recording;

  @BeforeEach
  void record() {
    recording = SimulatedRecording.active();
    recording.recorder().description = SimulatedRecorder.reachable(folder);
    HackLeak.checkpoint();
    recording.allocate(1);
  }

  @AfterEach
  void stop() {
    recording.close();
    System.clearProperty(SystemProperties.CLI);
    System.clearProperty(SystemProperties.REPORT_TIMEOUT);
  }

  @Test
  void itsWordsAreTheMessage() throws IOException {
    script("hackleak", LEAK + "exit 23");
    assertEquals("leaked it", failure().getMessage());
  }

  @Test
  void itIsToldWhatToReportAndWhere() throws IOException {
    Path args = folder.resolve("args");
    script("hackleak", "printf '%s\\n' \"$@\" > '" + args + "'\n" + LEAK + "exit 23");
    try (LeakScope scope = HackLeak.scope("part")) {
      recording.allocate(1);
      LeakCheck check = LeakCheck.standard().inScope(scope);
      assertThrows(LeakError.class, () -> HackLeak.assertNoLeaks(check));
    }
    List<String> given = Files.readAllLines(args);
    assertEquals(13, given.size(), given.toString());
    assertEquals("report", given.get(0));
    assertEquals(folder.resolve("run.hackleak").toString(), given.get(1));
    assertEquals(
        "--since 1 --scope 1 --judging 1 --covered --format lines --json-on-failure",
        String.join(" ", given.subList(2, 12)));
    Path json = Paths.get(given.get(12));
    assertEquals(folder, json.getParent());
    assertTrue(json.getFileName().toString().matches("leaks-7-\\d+\\.json"), json.toString());
  }

  @Test
  void whereNobodyKnowsWhoHoldsItTheReportSaysSo() throws IOException {
    Path args = folder.resolve("args");
    script("hackleak", "printf '%s\\n' \"$@\" > '" + args + "'\n" + LEAK + "exit 23");
    recording.recorder().unjudgeable = "the JVM does not tell";
    String message = failure().getMessage();
    assertTrue(message.contains("so all of it counts: the JVM does not tell"), message);
    assertFalse(Files.readAllLines(args).contains("--judging"));
  }

  @Test
  void whatEndsWithTheTestHoldsNothing() throws IOException {
    script("hackleak", LEAK + "exit 23");
    LeakWatch watch = LeakWatch.begin("test", LeakCheck.standard(), false);
    recording.allocate(1);
    watch.endsWith(Arrays.asList("instance", null));
    watch.endsWith(Collections.singleton("parameter"));
    assertThrows(LeakError.class, watch::end);
    assertEquals(Arrays.asList("instance", "parameter"), recording.recorder().notHolding);
  }

  @Test
  void thePropertyNamesAnotherProgram() throws IOException {
    script("hackleak", "exit 1");
    System.setProperty(SystemProperties.CLI, script("other", LEAK + "exit 23").toString());
    assertEquals("leaked it", failure().getMessage());
  }

  @Test
  void muchOutputOnBothStreamsDoesNotBlock() throws IOException {
    String flood = "head -c 1000000 /dev/zero | tr '\\0' x";
    script(
        "hackleak",
        "printf 'hackleak-lines\\t1\\ntotal\\t1999993\\t1\\ntext\\t'\n"
            + flood
            + "\n"
            + flood
            + " >&2\nprintf '\\nend\\n'\nexit 23");
    assertEquals(1_000_000, failure().getMessage().length());
  }

  @Test
  void whatWasFreedMeanwhileIsNoLeak() throws IOException {
    script("hackleak", "printf 'hackleak-lines\\t1\\ntotal\\t0\\t0\\nend\\n'");
    HackLeak.assertNoLeaks();
  }

  @Test
  void strictAsksOnlyWhenALibraryWasLoaded() throws IOException {
    recording.freeNewest(1);
    recording.recorder().strict = true;
    recording.recorder().modules = 9;
    Path asked = folder.resolve("asked");
    script(
        "hackleak",
        "echo >> '" + asked + "'; printf 'hackleak-lines\\t1\\ntotal\\t0\\t0\\nend\\n'");
    HackLeak.assertNoLeaks();
    HackLeak.assertNoLeaks();
    assertEquals(1, Files.readAllLines(asked).size());
    recording.recorder().modules = 10;
    script(
        "hackleak",
        "printf 'hackleak-lines\\t1\\ntotal\\t0\\t0\\nblind\\ta.so\\tx\\nstrict\\nend\\n'; exit 23");
    assertEquals("[a.so: x]", failure().report().blindLibraries().toString());
  }

  @Test
  void aCheckThatPassesSaysWhatIsNotSeen() throws IOException {
    recording.freeNewest(1);
    recording.recorder().modules = 21;
    Path asked = folder.resolve("asked");
    script(
        "hackleak",
        "echo \"$*\" >> '"
            + asked
            + "'; printf 'hackleak-lines\\t1\\ntotal\\t0\\t0\\nnote\\tnot tracked: threads\\n"
            + "blind\\tb.so\\thidden\\nend\\n'");
    for (int check = 0; check < 3; check++) {
      LeakReport report = HackLeak.leaksSince(HackLeak.checkpoint());
      assertFalse(report.fails());
      assertEquals("[not tracked: threads]", report.notes().toString());
      assertEquals("[b.so: hidden]", report.blindLibraries().toString());
      assertTrue(report.toString().contains("\nnote: not tracked: threads"), report.toString());
    }
    assertEquals(1, Files.readAllLines(asked).size());
    assertTrue(Files.readAllLines(asked).get(0).contains("--unseen"));
    recording.recorder().modules = 22;
    HackLeak.assertNoLeaks();
    assertEquals(2, Files.readAllLines(asked).size());
  }

  @Test
  void whatIsNotSeenIsToldOnce() throws Exception {
    PrintStream before = System.err;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    System.setErr(new PrintStream(bytes, true, "UTF-8"));
    try {
      Unseen.tell("");
      assertEquals("", bytes.toString("UTF-8"));
      Unseen.tell("blind: `a.so`");
      Unseen.tell("blind: `b.so`");
    } finally {
      System.setErr(before);
    }
    assertEquals("hackleak: blind: `a.so`\n", bytes.toString("UTF-8"));
  }

  @Test
  void withoutTheReporterStrictFailsAndInvalidFreesAreCounted() {
    recording.freeNewest(1);
    recording.recorder().invalidFrees = 3;
    LeakReport counted = HackLeak.leaksSince(HackLeak.checkpoint());
    assertFalse(counted.fails());
    assertTrue(counted.toString().contains("note: 3 invalid frees: see"), counted.toString());
    recording.recorder().strict = true;
    recording.recorder().modules = 11;
    assertTrue(failure().getMessage().contains("strict: whether"));
  }

  @Test
  void noProgram() {
    assertFallback("is not an executable file (neither -Dhackleak.cli nor HACKLEAK_CLI is set)");
  }

  @Test
  void failingProgram() throws IOException {
    script("hackleak", "echo 'the image is damaged' >&2; exit 1");
    assertFallback("failed with exit code 1: the image is damaged");
  }

  @Test
  void whatTheImageLacksTheRecorderIsAskedFor() throws IOException {
    for (String code : new String[] {"damaged", "full-disk"}) {
      script("hackleak", incomplete("dropped", code) + "exit 24");
      assertFallback("the image is incomplete (dropped, " + code + ")");
    }
  }

  @Test
  void whatWasNeverRecordedNobodyKnowsBetter() throws IOException {
    script("hackleak", incomplete("dropped", "blind", "a-code-of-later") + "exit 24");
    LeakReport report = HackLeak.leaksSince(Checkpoint.at(1, null));
    assertEquals("[dropped, blind, a-code-of-later]", report.incomplete().toString());
    assertFalse(report.fails());
    HackLeak.assertNoLeaks();
    assertEquals(AssertionRecord.INCOMPLETE, recording.recorder().assertions.get(0).outcome);
  }

  @Test
  void leaksGoBeforeWhatIsMissing() throws IOException {
    String leak = LEAK.replace("text\\t", "incomplete\\tdamaged\\ntext\\t");
    script("hackleak", leak + "exit 23");
    LeakError error = failure();
    assertEquals("leaked it", error.getMessage());
    assertEquals("[damaged]", error.report().incomplete().toString());
  }

  @Test
  void theCodeAndTheRowsOfAnIncompleteRecordAgree() throws IOException {
    script("hackleak", incomplete("dropped") + "exit 0");
    assertFallback("contradicts itself");
    script("hackleak", incomplete() + "exit 24");
    assertFallback("contradicts itself");
    script("hackleak", incomplete("dropped") + "echo 'no room' >&2; exit 1");
    assertFallback("failed with exit code 1: no room");
  }

  private static String incomplete(String... codes) {
    String rows = codes.length == 0 ? "" : "incomplete\\t" + String.join("\\nincomplete\\t", codes);
    String end = codes.length == 0 ? "" : "\\n";
    return "printf 'hackleak-lines\\t1\\ntotal\\t0\\t0\\n" + rows + end + "end\\n'\n";
  }

  @Test
  void cleanExitWithLeaks() throws IOException {
    script("hackleak", LEAK + "exit 0");
    assertFallback("contradicts itself");
  }

  @Test
  void halfAReport() throws IOException {
    script("hackleak", "printf 'hackleak-lines\\t1\\ntotal\\t0\\t0\\n'");
    assertFallback("the report is incomplete");
  }

  @Test
  void hangingProgram() throws IOException {
    System.setProperty(SystemProperties.REPORT_TIMEOUT, "300");
    script("hackleak", "exec sleep 600");
    assertFallback("was stopped after 300 ms without an answer");
  }

  @Test
  void anInterruptedTestStillGetsItsReport() throws IOException {
    script("hackleak", LEAK + "exit 23");
    Thread.currentThread().interrupt();
    LeakError error = failure();
    assertTrue(Thread.interrupted());
    assertEquals("leaked it", error.getMessage());
  }

  /** The test fails all the same, with exact figures, and says what is missing. */
  private void assertFallback(String reason) {
    LeakReport report = failure().report();
    assertEquals(1, report.blocks());
    assertEquals(1_999_993, report.bytes());
    assertEquals(1, report.sites().size());
    assertFalse(report.json().isPresent());
    assertEquals(1, report.notes().size());
    assertTrue(report.notes().get(0).contains(reason), report.notes().get(0));
  }

  private static LeakError failure() {
    return assertThrows(LeakError.class, HackLeak::assertNoLeaks);
  }

  private Path script(String name, String body) throws IOException {
    Path script = folder.resolve(name);
    String once = "#!/bin/sh\n[ \"$1\" != serve ] || exit 1\n" + body + "\n";
    Files.write(script, once.getBytes(StandardCharsets.UTF_8));
    Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
    return script;
  }
}
