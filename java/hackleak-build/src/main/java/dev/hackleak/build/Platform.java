package dev.hackleak.build;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;

/** Where a build runs, and whether test JVMs can be recorded there. */
public final class Platform {
  private static final String LINUX = "Linux";
  private static final List<String> PROCESSORS = Arrays.asList("amd64", "x86_64");

  /** Part of the ABI: every program for glibc on x86-64 names this loader. */
  private static final Path GLIBC_LOADER = Paths.get("/lib64/ld-linux-x86-64.so.2");

  private final String system;
  private final String processor;
  private final boolean glibc;

  private Platform(String system, String processor, boolean glibc) {
    this.system = system;
    this.processor = processor;
    this.glibc = glibc;
  }

  /** The platform of this JVM. */
  public static Platform current() {
    return of(
        System.getProperty("os.name", ""),
        System.getProperty("os.arch", ""),
        Files.exists(GLIBC_LOADER));
  }

  /**
   * Any platform.
   *
   * @param system as the property {@code os.name} has it
   * @param processor as the property {@code os.arch} has it
   * @param glibc whether the C library is glibc
   */
  public static Platform of(String system, String processor, boolean glibc) {
    return new Platform(
        Objects.requireNonNull(system, "system"),
        Objects.requireNonNull(processor, "processor").toLowerCase(Locale.ROOT),
        glibc);
  }

  /** Why nothing can be recorded here, in one sentence; empty where it can. */
  public Optional<String> unsupported() {
    if (!system.equals(LINUX)) {
      return reason(system);
    }
    if (!PROCESSORS.contains(processor)) {
      return reason("Linux on " + processor);
    }
    return glibc ? Optional.empty() : reason("a Linux without glibc, as Alpine is");
  }

  private static Optional<String> reason(String where) {
    return Optional.of(
        "HackLeak records on Linux with glibc on x86-64, and this is "
            + where
            + ": tests run unrecorded");
  }
}
