package dev.hackleak.gradle;

import dev.hackleak.build.NativeFiles;
import dev.hackleak.build.TestJvm;
import java.io.File;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The extension's values when a build script has been read: what the configuration cache keeps. */
final class Settings implements Serializable {
  private static final long serialVersionUID = 1;

  private final boolean skip;
  private final boolean required;
  private final boolean everyTest;
  private final String held;
  private final LinkedHashMap<String, String> options = new LinkedHashMap<>();
  private final LinkedHashMap<String, File> files = new LinkedHashMap<>();

  private final ArrayList<String> formats;

  Settings(HackLeakExtension extension) {
    formats = new ArrayList<>(extension.getFormats());
    skip = extension.getSkip().get();
    required = extension.getRequired().get();
    everyTest = extension.getEveryTest().get();
    held = extension.getHeld().getOrNull();
    if (extension.getTrack().isPresent()) {
      options.put("track", extension.getTrack().get());
    }
    if (extension.getKnown().isPresent()) {
      options.put("known", extension.getKnown().get());
    }
    options.putAll(extension.getOptions());
    if (extension.getSuppressions().isPresent()) {
      files.put("suppressions", extension.getSuppressions().get());
    }
    if (extension.getBaseline().isPresent()) {
      files.put("baseline", extension.getBaseline().get());
    }
    if (extension.getKnownLeaks().isPresent()) {
      files.put("known-leaks", extension.getKnownLeaks().get());
    }
  }

  boolean skip() {
    return skip;
  }

  boolean required() {
    return required;
  }

  boolean everyTest() {
    return everyTest;
  }

  List<String> formats() {
    return formats;
  }

  /** The files that decide how a test ends, by their contents. */
  List<File> files() {
    return new ArrayList<>(files.values());
  }

  /** What decides how a test ends, without a path of this machine. */
  String fingerprint() {
    return NativeFiles.version()
        + " "
        + skip
        + required
        + everyTest
        + held
        + options
        + files.keySet();
  }

  /** How a JVM is started whose images go to {@code out}. */
  TestJvm testJvm(NativeFiles natives, Path out) {
    TestJvm jvm = new TestJvm(natives, out);
    if (held != null) {
      jvm.held("`held` in `hackleak { }`", held);
    }
    for (Map.Entry<String, String> option : options.entrySet()) {
      jvm.option(option.getKey(), option.getValue());
    }
    for (Map.Entry<String, File> file : files.entrySet()) {
      jvm.option(file.getKey(), file.getValue().getAbsolutePath());
    }
    if (required) {
      jvm.required();
    }
    if (everyTest) {
      jvm.everyTest();
    }
    return jvm;
  }
}
