package dev.hackleak.build;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Collections;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** Where a build runs, and whether test JVMs can be recorded there. */
public final class Platform {
  private static final String LINUX = "Linux";
  private static final String X86_64 = "linux-x86_64";
  private static final String AARCH_64 = "linux-aarch_64";

  /** Classifiers of hackleak-native by what {@code os.arch} calls the processor. */
  private static final Map<String, String> CLASSIFIERS;

  /** Part of the ABI: every program for glibc names the loader of its processor. */
  private static final Map<String, Path> GLIBC_LOADERS;

  static {
    Map<String, String> classifiers = new HashMap<>();
    classifiers.put("amd64", X86_64);
    classifiers.put("x86_64", X86_64);
    classifiers.put("aarch64", AARCH_64);
    classifiers.put("arm64", AARCH_64);
    CLASSIFIERS = Collections.unmodifiableMap(classifiers);
    Map<String, Path> loaders = new HashMap<>();
    loaders.put(X86_64, Paths.get("/lib64/ld-linux-x86-64.so.2"));
    loaders.put(AARCH_64, Paths.get("/lib/ld-linux-aarch64.so.1"));
    GLIBC_LOADERS = Collections.unmodifiableMap(loaders);
  }

  private final String system;
  private final String processor;
  private final boolean glibc;

  /** Whether there are files for the processor. */
  private final boolean packed;

  private Platform(String system, String processor, boolean glibc, boolean packed) {
    this.system = system;
    this.processor = processor;
    this.glibc = glibc;
    this.packed = packed;
  }

  /** The platform of this JVM. */
  public static Platform current() {
    Platform here = of(System.getProperty("os.name", ""), System.getProperty("os.arch", ""), true);
    String classifier = here.classifier();
    boolean glibc = Files.exists(GLIBC_LOADERS.get(classifier));
    // A jar without files for x86-64 is none of HackLeak's, and an error.
    boolean packed = classifier.equals(X86_64) || NativeFiles.arePacked(classifier);
    return new Platform(here.system, here.processor, glibc, packed);
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
        glibc,
        true);
  }

  /** The same with a HackLeak that was built without a compiler for this processor. */
  Platform unpacked() {
    return new Platform(system, processor, glibc, false);
  }

  /** Why nothing can be recorded here, in one sentence; empty where it can. */
  public Optional<String> unsupported() {
    if (!system.equals(LINUX)) {
      return reason(system);
    }
    if (!CLASSIFIERS.containsKey(processor)) {
      return reason("Linux on " + processor);
    }
    if (!glibc) {
      return reason("a Linux without glibc, as Alpine is");
    }
    return packed
        ? Optional.empty()
        : reason("Linux on " + processor + ", for which this HackLeak was not built");
  }

  /**
   * The classifier of hackleak-native for this processor; that for x86-64 where there is none, and
   * nothing can be recorded.
   */
  public String classifier() {
    return CLASSIFIERS.getOrDefault(processor, X86_64);
  }

  private static Optional<String> reason(String where) {
    return Optional.of(
        "HackLeak records on Linux with glibc on x86-64 and aarch64, and this is "
            + where
            + ": tests run unrecorded");
  }
}
