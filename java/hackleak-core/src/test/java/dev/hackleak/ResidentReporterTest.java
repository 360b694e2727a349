package dev.hackleak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A shell script stands in for {@code hackleak serve}. */
class ResidentReporterTest {
  private static final String LEAK =
      "hackleak-lines\t1\ntotal\t1999993\t1\nverdict\tleaks\ntext\tleaked it\nend\n";
  private static final String CLEAN = "hackleak-lines\t1\ntotal\t0\t0\nverdict\tclean\nend\n";

  /** Reads a request, and appends its arguments as a line. */
  private static final String READ =
      "n=$(head -c 4 | od -An -tu1); [ -n \"$n\" ] || exit 0\n"
          + "set -- $n\n"
          + "head -c $(($3 * 256 + $4)) | tr '\\0' ' ' >> \"$folder/asked\"\n"
          + "echo >> \"$folder/asked\"\n";

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
    ResidentReporter.stop();
    recording.close();
    System.clearProperty(SystemProperties.REPORT_TIMEOUT);
  }

  @Test
  void oneProcessAnswersAllChecks() throws IOException {
    script("while :; do\n" + READ + answer(23, LEAK) + "done");
    for (int i = 0; i < 5; i++) {
      assertEquals("leaked it", failure().getMessage());
    }
    assertEquals(1, lines("started"));
    assertEquals(5, lines("asked"));
    assertTrue(ResidentReporter.isRunning());
  }

  @Test
  void oneThatDiedIsReplaced() throws IOException {
    script(READ + answer(23, LEAK));
    assertEquals("leaked it", failure().getMessage());
    assertEquals("leaked it", failure().getMessage());
    assertEquals(2, lines("started"));
    assertEquals(0, lines("once"));
  }

  @Test
  void oneThatDiesWhileItAnswersIsAskedOnceMoreAndThenGivenUp() throws IOException {
    script(
        "printf 'hackleak-serve 1\\n'\n" + READ + "printf '\\0\\0'",
        "printf '" + escaped(LEAK) + "'; exit 23");
    String said = stderrOf(() -> assertEquals("leaked it", failure().getMessage()));
    assertEquals(1, lines("started"), "a start that fails is not repeated");
    assertEquals(1, lines("once"));
    assertTrue(said.contains("serve` cannot be used: it ended with exit code 0"), said);
    String again = stderrOf(() -> assertEquals("leaked it", failure().getMessage()));
    assertEquals("", again, "it is said once");
    assertEquals(1, lines("started"));
    assertEquals(2, lines("once"));
  }

  @Test
  void aProgramThatCannotStayIsRunForEachCheck() throws IOException {
    script(
        "echo 'error: unrecognized subcommand'; exit 2", "printf '" + escaped(LEAK) + "'; exit 23");
    String said = stderrOf(() -> assertEquals("leaked it", failure().getMessage()));
    assertTrue(said.startsWith("hackleak: each check starts a reporter of its own"), said);
  }

  @Test
  void oneWithoutAnAnswerIsStopped() throws IOException {
    System.setProperty(SystemProperties.REPORT_TIMEOUT, "300");
    script(READ + "exec sleep 60");
    String message = failure().getMessage();
    assertTrue(message.contains("was stopped after 300 ms without an answer"), message);
    assertFalse(ResidentReporter.isRunning());
  }

  @Test
  void anInterruptedTestGetsItsReportAndStaysInterrupted() throws IOException {
    script("while :; do\n" + READ + answer(23, LEAK) + "done");
    Thread.currentThread().interrupt();
    LeakError error = failure();
    assertTrue(Thread.interrupted());
    assertEquals("leaked it", error.getMessage());
  }

  @Test
  void whatRulesCoverIsAskedOnce() throws IOException {
    recording.recorder().sites = new long[] {CoveredSites.site(77, 3)};
    script(
        "while :; do\n" + READ + answer(0, CLEAN.replace("end", "covered\t77\t3\nend")) + "done");
    LeakCheck settling = LeakCheck.standard().settling(true);
    HackLeak.assertNoLeaks(settling);
    HackLeak.assertNoLeaks(settling);
    LeakReport report = HackLeak.leaksSince(HackLeak.checkpoint());
    assertFalse(report.hasLeaks());
    assertEquals(2, lines("asked"), "once about the site, once about what is not seen");
    assertEquals(0, recording.recorder().gcs, "there is nothing to wait for");
    assertEquals(0, recording.recorder().judgings);

    recording.recorder().sites = new long[] {CoveredSites.site(77, 3), CoveredSites.site(78, 3)};
    LeakReport other = HackLeak.leaksSince(Checkpoint.at(1, null), settling);
    assertEquals(4, lines("asked"), "once about the new site, once for the report");
    assertNotNull(other);
    assertTrue(recording.recorder().judgings > 0);
  }

  @Test
  void otherRulesAreAskedAnew() throws IOException {
    recording.recorder().sites = new long[] {CoveredSites.site(79, 3)};
    script(
        "while :; do\n" + READ + answer(0, CLEAN.replace("end", "covered\t79\t3\nend")) + "done");
    HackLeak.assertNoLeaks();
    recording.recorder().description = SimulatedRecorder.withRules(folder, "changed");
    HackLeak.assertNoLeaks();
    HackLeak.assertNoLeaks(LeakCheck.standard().suppressing("pattern"));
    assertEquals(4, lines("asked"), "three times about the site, once about what is not seen");
  }

  private LeakError failure() {
    return assertThrows(LeakError.class, HackLeak::assertNoLeaks);
  }

  private static String escaped(String text) {
    return text.replace("\t", "\\t").replace("\n", "\\n");
  }

  private static String answer(int exit, String lines) {
    int length = lines.getBytes(StandardCharsets.UTF_8).length;
    return String.format(
        "printf '\\0\\0\\0\\%o\\0\\0\\0\\%o\\0\\0\\0\\0%s'%n", exit, length, escaped(lines));
  }

  private long lines(String name) throws IOException {
    Path file = folder.resolve(name);
    return Files.exists(file) ? Files.readAllLines(file).size() : 0;
  }

  private static String stderrOf(Runnable action) {
    PrintStream before = System.err;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    System.setErr(new PrintStream(bytes));
    try {
      action.run();
    } finally {
      System.setErr(before);
    }
    return bytes.toString();
  }

  private void script(String serve) throws IOException {
    script("printf 'hackleak-serve 1\\n'\n" + serve, "exit 9");
  }

  private void script(String serve, String once) throws IOException {
    Path script = folder.resolve("hackleak");
    String body =
        "#!/bin/sh\nfolder='"
            + folder
            + "'\nif [ \"$1\" = serve ]; then\necho >> \"$folder/started\"\n"
            + serve
            + "\nelse\necho >> \"$folder/once\"\n"
            + once
            + "\nfi\n";
    Files.write(script, body.getBytes(StandardCharsets.UTF_8));
    Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
  }
}
