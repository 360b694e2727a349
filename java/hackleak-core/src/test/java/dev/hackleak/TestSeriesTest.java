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
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A shell script stands in for the reporter: whether it is asked, for what, and what follows. */
class TestSeriesTest {
  private static final LeakCheck NOTING = LeakCheck.standard().settling(false).held(Held.NOTE);
  private static int sites;

  @TempDir Path folder;
  private SimulatedRecording recording;
  private SimulatedRecorder recorder;
  private TestSeries series;

  @BeforeEach
  void record() {
    recording = SimulatedRecording.active();
    recorder = recording.recorder();
    recorder.description =
        new RecorderDescription(
            folder.resolve("run.hackleak"),
            folder.resolve("libhackleak.so"),
            7,
            false,
            false,
            false,
            "differs",
            "");
    series = TestSeries.begin("Class", NOTING);
  }

  @AfterEach
  void stop() {
    recording.close();
    System.clearProperty(SystemProperties.GROWING);
    System.clearProperty(SystemProperties.GROWING_TESTS);
  }

  private void answer(String verdict, int count) throws IOException {
    Path script = folder.resolve("hackleak");
    String site = "site\\t1999993\\t" + count + "\\tnew\\njudged\\t" + verdict + "\\tstatic A.b\\n";
    String frame = "java\\tA\\tm" + ++sites + "\\tA.java\\t1\\t0\\n";
    String text = "text\\t1 block more\\nend\\n";
    String head = "hackleak-lines\\t1\\ntotal\\t1999993\\t" + count + "\\n";
    String body =
        "#!/bin/sh\nprintf '%s\\n' \"$*\" >> '"
            + folder.resolve("args")
            + "'\nprintf '"
            + head
            + site
            + frame
            + text
            + "'\nexit 23\n";
    Files.write(script, body.getBytes(StandardCharsets.UTF_8));
    Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private void test(Runnable code) {
    LeakWatch watch = LeakWatch.begin("test", NOTING, false);
    code.run();
    watch.endUnchecked();
    series.ended(watch);
  }

  private void tests(int count, Runnable code) {
    for (int i = 0; i < count; i++) {
      test(code);
    }
  }

  private boolean wasAsked() {
    return Files.exists(folder.resolve("args"));
  }

  @Test
  void whatGrowsFailsTheClassWithTheReportersWords() throws IOException {
    answer("growing", 5);
    tests(5, () -> recorder.allocate(1));
    LeakError grown = assertThrows(LeakError.class, series::end);
    assertEquals("1 block more", grown.getMessage());
    String asked = new String(Files.readAllBytes(folder.resolve("args")), StandardCharsets.UTF_8);
    assertTrue(asked.contains(" --held note --rounds 1,3,5,7,9,11 --tests 5 "), asked);
    assertEquals(AssertionRecord.FAILED, recorder.assertions.get(0).outcome);
    series.end();
  }

  @Test
  void aSiteIsToldOnce() throws IOException {
    answer("growing", 5);
    tests(5, () -> recorder.allocate(1));
    assertThrows(LeakError.class, series::end);
    series.end();
  }

  @Test
  void whatTheReporterFindsLostWasAnsweredForByItsTest() throws IOException {
    answer("lost", 5);
    tests(5, () -> recorder.allocate(1));
    series.end();
    assertTrue(wasAsked());
  }

  @Test
  void fewTestsTellNothing() throws IOException {
    answer("growing", 4);
    tests(4, () -> recorder.allocate(1));
    series.end();
    assertFalse(wasAsked());
    System.setProperty(SystemProperties.GROWING_TESTS, "4");
    assertThrows(LeakError.class, series::end);
  }

  @Test
  void whatIsReplacedOrTakenAwayLaterDoesNotGrow() throws IOException {
    answer("growing", 6);
    test(() -> recorder.allocate(1));
    tests(
        6,
        () -> {
          recorder.allocate(1);
          recorder.freeOldest(1);
        });
    series.end();
    assertFalse(wasAsked());
  }

  @Test
  void stacksThatHaveFallenAreNamed() throws IOException {
    answer("growing", 6);
    recorder.stack = 7;
    test(() -> recorder.allocate(1));
    recorder.stack = 8;
    tests(6, () -> recorder.allocate(1));
    recorder.freeOldest(1);
    assertThrows(LeakError.class, series::end);
    String asked = new String(Files.readAllBytes(folder.resolve("args")), StandardCharsets.UTF_8);
    assertTrue(asked.contains(" --fell 7 "), asked);
  }

  @Test
  void onRequestItIsNotedOrIgnored() throws IOException {
    answer("growing", 5);
    tests(5, () -> recorder.allocate(1));
    System.setProperty(SystemProperties.GROWING, "ignore");
    series.end();
    assertFalse(wasAsked());
    System.setProperty(SystemProperties.GROWING, "note");
    PrintStream err = System.err;
    ByteArrayOutputStream told = new ByteArrayOutputStream();
    System.setErr(new PrintStream(told));
    try {
      series.end();
    } finally {
      System.setErr(err);
    }
    assertEquals("hackleak: held memory grows with the tests of Class\n1 block more\n", said(told));
  }

  @Test
  void whereOnlyLimitsCountNobodyLooksForGrowth() throws IOException {
    answer("growing", 5);
    series = TestSeries.begin("Class", LeakCheck.ofLimits().allocations(1));
    tests(5, () -> recorder.allocate(1));
    series.end();
    assertFalse(wasAsked());
  }

  @Test
  void whereNobodyTellsThatAClassHasEndedTheNextOneDoes() throws IOException {
    answer("growing", 5);
    PrintStream err = System.err;
    ByteArrayOutputStream told = new ByteArrayOutputStream();
    System.setErr(new PrintStream(told));
    try {
      for (String name : new String[] {"A", "A", "A", "A", "A", "B"}) {
        assertEquals("", said(told));
        LeakWatch watch = LeakWatch.begin("test", NOTING, false);
        recorder.allocate(1);
        watch.endUnchecked();
        TestSeries.follow(name, NOTING, watch);
      }
    } finally {
      System.setErr(err);
    }
    assertEquals("hackleak: held memory grows with the tests of A\n1 block more\n", said(told));
  }

  /** What was said about growth: the script answers one check, and HackLeak says so as well. */
  private static String said(ByteArrayOutputStream told) {
    return told.toString().replaceAll("hackleak: each check starts a reporter of its own.*\n", "");
  }

  @Test
  void wrongSettingsAreToldAtOnce() {
    System.setProperty(SystemProperties.GROWING_TESTS, "3");
    Throwable refused =
        assertThrows(IllegalArgumentException.class, () -> TestSeries.begin("Class", NOTING));
    assertEquals(
        "-Dhackleak.growing.tests is a number of tests, 4 or more, not \"3\"",
        refused.getMessage());
  }
}
