package dev.hackleak.build;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PlatformTest {
  @ParameterizedTest
  @CsvSource({
    "amd64, linux-x86_64",
    "x86_64, linux-x86_64",
    "AMD64, linux-x86_64",
    "aarch64, linux-aarch_64",
    "arm64, linux-aarch_64",
    "AArch64, linux-aarch_64",
  })
  void linuxWithGlibcHasFilesForItsProcessor(String processor, String classifier) {
    Platform platform = Platform.of("Linux", processor, true);
    assertEquals(Optional.empty(), platform.unsupported());
    assertEquals(classifier, platform.classifier());
    assertEquals(
        "/dev/hackleak/native/" + classifier + "/hackleak",
        NativeFiles.resourceOf(platform.classifier(), "hackleak"));
  }

  @ParameterizedTest
  @CsvSource({
    "Mac OS X, aarch64, false, Mac OS X",
    "Mac OS X, x86_64, false, Mac OS X",
    "Windows 11, amd64, false, Windows 11",
    "Linux, riscv64, true, Linux on riscv64",
    "Linux, ppc64le, false, Linux on ppc64le",
    "Linux, aarch64, false, 'a Linux without glibc, as Alpine is'",
    "Linux, amd64, false, 'a Linux without glibc, as Alpine is'",
  })
  void elsewhereOneSentenceSaysWhere(String system, String processor, boolean glibc, String where) {
    assertEquals(
        Optional.of(
            "HackLeak records on Linux with glibc on x86-64 and aarch64, and this is "
                + where
                + ": tests run unrecorded"),
        Platform.of(system, processor, glibc).unsupported());
  }

  @Test
  void aHackLeakThatWasNotBuiltForTheProcessorSaysSo() {
    assertEquals(
        Optional.of(
            "HackLeak records on Linux with glibc on x86-64 and aarch64, and this is Linux on"
                + " aarch64, for which this HackLeak was not built: tests run unrecorded"),
        Platform.of("Linux", "aarch64", true).unpacked().unsupported());
    assertTrue(NativeFiles.arePacked(Platform.current().classifier()));
    assertFalse(NativeFiles.arePacked("linux-riscv64"));
  }

  /** Whichever of the two classes a JVM meets first. */
  @ParameterizedTest
  @ValueSource(classes = {Platform.class, NativeFiles.class})
  void aJvmOnAnotherProcessorIsAnswered(Class<?> first) throws Exception {
    String classes = System.getProperty("java.class.path");
    Process jvm =
        new ProcessBuilder(
                Paths.get(System.getProperty("java.home"), "bin", "java").toString(),
                "-Dos.arch=aarch64",
                "-cp",
                System.getProperty("surefire.test.class.path", classes),
                Elsewhere.class.getName(),
                first.getName())
            .redirectErrorStream(true)
            .start();
    byte[] out = new byte[4096];
    int len = jvm.getInputStream().read(out);
    assertEquals(0, jvm.waitFor());
    assertEquals("linux-aarch_64", new String(out, 0, len, StandardCharsets.UTF_8).trim());
  }

  /** What such a JVM runs. */
  static final class Elsewhere {
    public static void main(String[] first) throws ClassNotFoundException {
      Class.forName(first[0]);
      Platform.current().unsupported();
      System.out.println(Platform.current().classifier());
    }
  }

  @Test
  void theCurrentOneIsThatOfThisJvm() {
    Platform same =
        Platform.of(
            System.getProperty("os.name"),
            System.getProperty("os.arch"),
            Files.exists(Paths.get("/lib64/ld-linux-x86-64.so.2"))
                || Files.exists(Paths.get("/lib/ld-linux-aarch64.so.1")));
    assertEquals(same.unsupported(), Platform.current().unsupported());
    assertEquals(same.classifier(), Platform.current().classifier());
  }
}
