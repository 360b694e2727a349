package dev.hackleak.gradle;

import dev.hackleak.build.Command;
import dev.hackleak.build.NativeFiles;
import dev.hackleak.build.PropertyNames;
import dev.hackleak.build.Setting;
import dev.hackleak.build.SettingsCheck;
import dev.hackleak.build.TestJvm;
import java.io.File;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.gradle.api.GradleException;
import org.gradle.api.provider.Property;

/**
 * The extension's values when a build script has been read: what the configuration cache keeps.
 *
 * <p>What the extension does not say, a property of the project may: {@code -Phackleak.repeat=3}.
 */
final class TaskSettings implements Serializable {
  private static final long serialVersionUID = 3;

  private final TreeMap<Setting, String> values = new TreeMap<>();

  /** What the build calls them. */
  private final TreeMap<Setting, String> names = new TreeMap<>();

  private final LinkedHashMap<String, String> options = new LinkedHashMap<>();
  private final ArrayList<String> formats;

  /** Properties of the command line that there are not, and why. */
  private final TreeMap<String, String> misspelt = new TreeMap<>();

  TaskSettings(HackLeakExtension extension, Map<Setting, String> properties) {
    formats = new ArrayList<>(extension.getFormats());
    options.putAll(extension.getOptions());
    properties.forEach(
        (setting, value) -> {
          values.put(setting, value);
          names.put(setting, "-P" + setting.property());
        });
    // These have a value without the build's doing, which must not cover a property.
    put(Setting.SKIP, extension.getSkip().get() ? "true" : null);
    put(Setting.REQUIRED, extension.getRequired().get() ? "true" : null);
    put(Setting.EVERY_TEST, extension.getEveryTest().get() ? null : "false");
    put(Setting.TRACK, extension.getTrack());
    put(Setting.HELD, extension.getHeld());
    put(Setting.KNOWN, extension.getKnown());
    put(Setting.SUPPRESSIONS, extension.getSuppressions());
    put(Setting.BASELINE, extension.getBaseline());
    put(Setting.KNOWN_LEAKS, extension.getKnownLeaks());
    put(Setting.SETTLE, extension.getSettle());
    put(Setting.SETTLE_LIMIT_MILLIS, extension.getSettleLimitMillis());
    put(Setting.REPEAT, extension.getRepeat());
    put(Setting.WARMUP, extension.getWarmup());
    put(Setting.ALLOW_BYTES, extension.getAllowBytes());
    put(Setting.ALLOW_BLOCKS, extension.getAllowBlocks());
    put(Setting.PER, extension.getPer());
    put(Setting.KINDS, list(extension.getKinds()));
    put(Setting.SUPPRESS, list(extension.getSuppress()));
  }

  /** Refuses what the command line has and nobody reads. */
  TaskSettings looking(Map<String, String> commandLine) {
    commandLine.forEach(
        (property, value) -> {
          Optional<String> option = PropertyNames.option(property, value, TaskSettings::option);
          Optional<String> why =
              option.isPresent()
                  ? option
                  : PropertyNames.misspelt(property, Collections.emptySet());
          why.ifPresent(text -> misspelt.put("-P" + property, text));
        });
    return this;
  }

  private static String option(String text) {
    String each = text.replaceAll("([^=,]+)=([^,]*),?", "options['$1'] = '$2'; ");
    return "`" + each.replaceAll("; $", "") + "` in `hackleak { }`";
  }

  private static String list(List<String> list) {
    return list.isEmpty() ? null : String.join(TestJvm.LIST_SEPARATOR, list);
  }

  private void put(Setting setting, Property<?> property) {
    Object value = property.getOrNull();
    String text = value instanceof File ? ((File) value).getAbsolutePath() : null;
    put(setting, text == null && value != null ? value.toString() : text);
  }

  private void put(Setting setting, String value) {
    if (value != null) {
      values.put(setting, value);
      names.put(setting, "`" + setting.key() + "` in `hackleak { }`");
    }
  }

  boolean skip() {
    return is(Setting.SKIP, false);
  }

  boolean required() {
    return is(Setting.REQUIRED, false);
  }

  boolean everyTest() {
    return is(Setting.EVERY_TEST, true);
  }

  private boolean is(Setting setting, boolean otherwise) {
    return Boolean.parseBoolean(values.getOrDefault(setting, Boolean.toString(otherwise)));
  }

  List<String> formats() {
    return formats;
  }

  /** The files that decide how a test ends, by their contents. */
  List<File> files() {
    List<File> files = new ArrayList<>();
    values.forEach(
        (setting, value) -> {
          if (setting.isFile()) {
            files.add(new File(value));
          }
        });
    return files;
  }

  /** What decides how a test ends, without a path of this machine. */
  String fingerprint() {
    StringBuilder text = new StringBuilder(NativeFiles.version());
    values.forEach(
        (setting, value) ->
            text.append(' ').append(setting).append('=').append(setting.isFile() ? "" : value));
    return text.append(' ').append(options).toString();
  }

  /** How a JVM is started whose images go to {@code out}. */
  TestJvm testJvm(NativeFiles natives, Path out) {
    TestJvm jvm = new TestJvm(natives, out);
    values.forEach(
        (setting, value) -> {
          setting.option().ifPresent(option -> jvm.option(option, value));
          if (setting.isOfTests()) {
            jvm.ofTests(setting, value);
          }
        });
    options.forEach(jvm::option);
    if (required()) {
      jvm.required();
    }
    if (everyTest()) {
      jvm.everyTest();
    }
    return jvm;
  }

  /**
   * Refuses what cannot be used, in the names that the build has for it.
   *
   * @param own options that a task sets itself; null for none
   * @param inherited options of the environment; null for none
   * @throws GradleException with a sentence for each mistake
   */
  void check(NativeFiles natives, Object own, String inherited) throws IOException {
    SettingsCheck check = new SettingsCheck();
    values.forEach((setting, value) -> check.add(names.get(setting), setting, value));
    options.forEach(
        (option, value) ->
            check.option("`" + option + "` in `options` in `hackleak { }`", option, value));
    formats.forEach(format -> check.format("`formats` in `hackleak { }`", format));
    if (own != null) {
      check.options(TestJvm.OPTIONS + " of the task", own.toString());
    }
    if (inherited != null) {
      check.options(TestJvm.OPTIONS + " of the environment", inherited);
    }
    misspelt.forEach(check::refuse);
    List<String> wrong = check.wrong(new Command(natives));
    if (!wrong.isEmpty()) {
      throw new GradleException(String.join("\n", wrong));
    }
  }
}
