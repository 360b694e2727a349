package dev.hackleak.build;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PlatformTest {
  @ParameterizedTest
  @ValueSource(strings = {"amd64", "x86_64", "AMD64"})
  void linuxWithGlibcOnX86IsSupported(String processor) {
    assertEquals(Optional.empty(), Platform.of("Linux", processor, true).unsupported());
  }

  @ParameterizedTest
  @CsvSource({
    "Mac OS X, aarch64, false, Mac OS X",
    "Mac OS X, x86_64, false, Mac OS X",
    "Windows 11, amd64, false, Windows 11",
    "Linux, aarch64, true, Linux on aarch64",
    "Linux, aarch64, false, Linux on aarch64",
    "Linux, amd64, false, 'a Linux without glibc, as Alpine is'",
  })
  void elsewhereOneSentenceSaysWhere(String system, String processor, boolean glibc, String where) {
    assertEquals(
        Optional.of(
            "HackLeak records on Linux with glibc on x86-64, and this is "
                + where
                + ": tests run unrecorded"),
        Platform.of(system, processor, glibc).unsupported());
  }

  @Test
  void theCurrentOneIsThatOfThisJvm() {
    Platform same =
        Platform.of(
            System.getProperty("os.name"),
            System.getProperty("os.arch"),
            Files.exists(Paths.get("/lib64/ld-linux-x86-64.so.2")));
    assertEquals(same.unsupported(), Platform.current().unsupported());
  }
}
