package example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.hackleak.HackLeak;
import java.io.IOException;
import java.lang.ref.Cleaner;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The last check: a JVM of its own ends, and says on stderr what it leaves. */
class ExitTest {
  @TempDir Path folder;

  /** What the other JVM runs. */
  static final class Program {
    static Object held;

    public static void main(String[] args) {
      HackLeak.isActive();
      NativeBuffer hooked = new NativeBuffer();
      Runtime.getRuntime().addShutdownHook(new Thread(hooked::close));
      for (String arg : args) {
        switch (arg) {
          case "leak" -> leak();
          case "held" -> held = new NativeBuffer();
          case "garbage" -> garbage();
          case "exit" -> System.exit(0);
          default -> throw new IllegalArgumentException(arg);
        }
      }
    }

    private static void leak() {
      new NativeBuffer();
    }

    private static void garbage() {
      NativeBuffer owner = new NativeBuffer();
      Cleaner.create().register(owner, owner.closer());
    }
  }

  @Test
  void whatIsLeftIsReported() throws Exception {
    String stderr = run("exit=report", "garbage", "leak");
    assertTrue(stderr.startsWith("hackleak: process "), stderr);
    assertTrue(
        stderr.contains(
            " at its exit: 1,999,993 bytes leaked in 1 block at 1 site since the start"),
        stderr);
    assertTrue(stderr.contains("at example.ExitTest$Program.leak(ExitTest.java:"), stderr);
    assertTrue(stderr.contains("native_buffer.cpp:7"), stderr);
  }

  @Test
  void whatAStaticHoldsIsANote() throws Exception {
    String stderr = run("exit=report", "held");
    assertFalse(stderr.contains("leaked"), stderr);
    assertTrue(stderr.contains("1,999,993 bytes in 1 block held, not lost"), stderr);
    String failing = run("exit=report,held=fail", "held");
    assertTrue(failing.contains(" at its exit: 1,999,993 bytes leaked in 1 block"), failing);
  }

  @Test
  void systemExitIsAnEndLikeAnyOther() throws Exception {
    String stderr = run("exit=report", "leak", "exit");
    assertTrue(stderr.contains(" at its exit: 1,999,993 bytes leaked in 1 block"), stderr);
  }

  @Test
  void shutdownHooksAndGarbageAreNoLeaks() throws Exception {
    String stderr = run("exit=report", "garbage");
    assertFalse(stderr.contains("leaked"), stderr);
    assertTrue(stderr.contains("still live") || stderr.contains("no leaks among"), stderr);
  }

  @Test
  void nothingIsSaidUnlessAskedFor() throws Exception {
    assertEquals("", run("exit=off", "leak"));
    assertEquals("", run("exit=settle", "leak"));
  }

  private String run(String options, String... args) throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            "-Djni.library=" + System.getProperty("jni.library"),
            "example.ExitTest$Program");
    if (Runtime.version().feature() >= 22) {
      // For example.NativeBuffer, which loads its library; HackLeak needs no such permission.
      builder.command().add(1, "--enable-native-access=ALL-UNNAMED");
    }
    builder.command().addAll(List.of(args));
    builder.environment().put("HACKLEAK_OPTIONS", options + ",out=" + folder);
    Path stderr = folder.resolve("stderr");
    builder.redirectOutput(ProcessBuilder.Redirect.DISCARD).redirectError(stderr.toFile());
    Process process = builder.start();
    assertTrue(process.waitFor(5, TimeUnit.MINUTES), "the other JVM hangs");
    String text = Files.readString(stderr, StandardCharsets.UTF_8);
    assertEquals(0, process.exitValue(), text);
    return text;
  }
}
