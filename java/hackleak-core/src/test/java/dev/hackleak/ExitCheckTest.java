package dev.hackleak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ExitCheckTest {
  @Test
  void reportsWhatIsLeftOfAllThatWasRecorded() {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      recording.allocate(2);
      recording.onGc(() -> recording.freeNewest(recording.gcs() == 1 ? 1 : 0));
      String text = atExit(true);
      String head =
          "hackleak: process 7 at its exit: 1,999,993 bytes leaked in 1 block at 1 site\n";
      assertTrue(text.startsWith(head), text);
    }
  }

  @Test
  void saysThatNothingIsLeft() {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      assertEquals(
          "hackleak: process 7 at its exit:"
              + " nothing that was recorded since the start of the process is still live\n"
              + "note: whether the libraries under test are seen is not known: part of the image is"
              + " in this JVM's memory only\n",
          atExit(true));
    }
  }

  @Test
  void settlesWithoutAWordWhenNoReportIsWanted() {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      recording.allocate(1);
      recording.onGc(() -> recording.freeNewest(1));
      assertEquals("", atExit(false));
      assertEquals(1, recording.gcs());
    }
  }

  @Test
  void whatCannotSettleIsReportedAllTheSame() {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      recording.allocate(1);
      recording.onGc(
          () -> {
            throw new IllegalStateException("no collection now");
          });
      String text = atExit(true);
      String first =
          "hackleak: garbage may still own native memory: settling failed:"
              + " java.lang.IllegalStateException: no collection now\n";
      assertTrue(text.startsWith(first), text);
      assertTrue(text.contains("1,999,993 bytes leaked in 1 block"), text);
    }
  }

  @Test
  void settlesForAThreadThatWasInterruptedToo() {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      recording.allocate(1);
      recording.onGc(() -> recording.freeNewest(1));
      Thread.currentThread().interrupt();
      assertTrue(ExitCheck.atExit(false, new PrintStream(new ByteArrayOutputStream())));
      assertTrue(Thread.interrupted());
    }
  }

  @Test
  void givesUpWhatHangsAndNamesIt() {
    System.setProperty(SystemProperties.SETTLE_LIMIT, "100");
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      recording.allocate(1);
      recording.onGc(ExitCheckTest::hang);
      String text = atExit(false);
      String expected =
          "hackleak: the check at JVM exit was given up after 5100 ms,"
              + " in dev.hackleak.ExitCheckTest.hang(ExitCheckTest.java:";
      assertTrue(text.startsWith(expected), text);
    } finally {
      System.clearProperty(SystemProperties.SETTLE_LIMIT);
    }
  }

  private static void hang() {
    try {
      Thread.sleep(3_600_000);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void failuresAreOneLine() {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      recording.recorder().description = null;
      recording.allocate(1);
      String text = atExit(true);
      assertTrue(text.startsWith("hackleak: the check at JVM exit failed: java.lang."), text);
      assertEquals(1, text.split("\n").length, text);
    }
  }

  /** A class that is missing there would be looked for when the loaders are closed. */
  @Test
  void everyClassItMayUseIsLoadedBefore() throws Exception {
    List<String> unneeded =
        Arrays.asList(
            "ExitCheck",
            "HackLeak",
            "Ignored",
            "LeakError",
            "LeakEvidence",
            "LeakScope",
            "LeakWatch",
            "LeakWatch$Round",
            "LimitError",
            "LoneLook",
            "MappedLibrary",
            "MemoryUse",
            "NativeBridge",
            "NativeRecorder",
            "ParallelRun",
            "Recorder",
            "Recording",
            "TestSeries",
            "TestSeries$Ended",
            "TestSeries$Row",
            "UnrecordedNotice");
    Set<String> all = new TreeSet<>();
    Path folder = Paths.get(ExitCheck.class.getResource("ExitCheck.class").toURI()).getParent();
    try (Stream<Path> files = Files.list(folder)) {
      files.map(file -> file.getFileName().toString()).forEach(all::add);
    }
    all.removeIf(name -> !name.endsWith(".class") || name.startsWith("package-info"));
    all.removeIf(name -> unneeded.contains(name.replace(".class", "")));
    Set<String> prepared = new TreeSet<>();
    for (Class<?> type : ExitCheck.NEEDED) {
      prepared.add(type.getName().replaceAll(".*\\.", "") + ".class");
    }
    prepared.remove("LeakSettler.class");
    assertEquals(all, prepared);
  }

  private static String atExit(boolean report) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ExitCheck.atExit(report, new PrintStream(bytes));
    return bytes.toString();
  }
}
