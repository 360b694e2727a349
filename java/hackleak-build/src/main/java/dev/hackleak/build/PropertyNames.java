package dev.hackleak.build;

import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.UnaryOperator;

/**
 * Which properties {@code hackleak.NAME} a build cannot mean as they are. A name that resembles
 * none of HackLeak's may be the build's own.
 */
public final class PropertyNames {
  /** Properties that are no setting of the plugins. The test JVM reads most of them. */
  private static final List<String> OTHERS =
      Arrays.asList(
          "cli",
          "growing",
          "growing.tests",
          "home",
          "library",
          "options",
          "report.timeout.ms",
          "settle.limit.ms",
          "version");

  /** They had these names once. */
  private static final List<String> EVERY_TEST = Arrays.asList("junit.all", "testng.all");

  /** Options of the recorder that are no settings. */
  static final List<String> OPTIONS =
      Arrays.asList(
          "builtin-suppressions",
          "depth",
          "exclude",
          "exit",
          "follow",
          "include",
          "invalid-frees",
          "log",
          "out",
          "pools",
          "preload",
          "redact",
          "stacks",
          "strict");

  private PropertyNames() {}

  /**
   * What is meant by a property that there is not.
   *
   * @param more names that the build has, besides those of all builds
   */
  public static Optional<String> misspelt(String property, Collection<String> more) {
    if (!property.startsWith(Setting.PREFIX)) {
      return Optional.empty();
    }
    String name = property.substring(Setting.PREFIX.length());
    TreeSet<String> known = new TreeSet<>(more);
    known.addAll(OTHERS);
    Arrays.stream(Setting.values()).forEach(setting -> known.add(setting.key()));
    if (known.contains(name) || option(name).isPresent()) {
      return Optional.empty();
    }
    return EVERY_TEST.contains(name)
        ? Optional.of("there is no such property: write " + Setting.EVERY_TEST.property())
        : Similar.to(name, known)
            .map(
                meant -> "there is no such property: did you mean " + Setting.PREFIX + meant + "?");
  }

  /**
   * What to write for a property of the command line that names an option of the recorder.
   *
   * @param inBuild how a build has the option that it is given, as {@code depth=50}
   */
  public static Optional<String> option(
      String property, String value, UnaryOperator<String> inBuild) {
    if (!property.startsWith(Setting.PREFIX)) {
      return Optional.empty();
    }
    String name = property.substring(Setting.PREFIX.length());
    Optional<String> option =
        name.equals("options") ? Optional.of(value) : option(name).map(key -> key + "=" + value);
    return option.map(
        text ->
            "there is no such property: write "
                + inBuild.apply(text)
                + ", or in the environment "
                + TestJvm.OPTIONS
                + "="
                + text);
  }

  private static Optional<String> option(String name) {
    String plain = plain(name);
    return OPTIONS.stream().filter(option -> plain(option).equals(plain)).findFirst();
  }

  private static String plain(String name) {
    return name.replace("-", "").toLowerCase(Locale.ROOT);
  }
}
