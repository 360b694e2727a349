package dev.hackleak.build;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * How a test JVM is started so that it is recorded: two environment variables and some system
 * properties.
 *
 * <p>The arguments of the JVM are left to the build. Not safe for use by several threads.
 */
public final class TestJvm {
  /** The environment variable that has the dynamic linker load the recorder. */
  public static final String PRELOAD = "LD_PRELOAD";

  /** The environment variable with the recorder's options. */
  public static final String OPTIONS = "HACKLEAK_OPTIONS";

  /** What stands between the values of a list. */
  public static final String LIST_SEPARATOR = ";";

  private static final char OPTION_SEPARATOR = ',';
  private static final String LIBRARY_SEPARATOR = ":";
  private static final String TRUE = "true";

  private final Path library;
  private String inherited = "";
  private final Map<String, String> options = new LinkedHashMap<>();
  private final Map<String, String> properties = new LinkedHashMap<>();

  /**
   * A test JVM that settles before it ends: garbage is collected, and what is live then is judged.
   *
   * @param files where the recorder is, or will be unpacked
   * @param out the folder of the images
   * @throws IllegalArgumentException if the path of {@code out} is {@linkplain #unusable unusable}
   */
  public TestJvm(NativeFiles files, Path out) {
    library = files.library();
    option("out", out.toAbsolutePath().toString());
    option("exit", "settle");
    // A check then collects garbage before it reports a leak. RAPIDS libraries know it as well.
    properties.put("ai.rapids.refcount.debug", TRUE);
  }

  /**
   * Why test JVMs with such a folder of images run unrecorded, if they do, with the remedy.
   *
   * @param out the folder
   */
  public static Optional<String> unusable(Path out) {
    String path = out.toAbsolutePath().toString();
    return path.indexOf(OPTION_SEPARATOR) < 0
        ? Optional.empty()
        : Optional.of(
            "HackLeak cannot record into "
                + path
                + ", because of the comma in its path: tests run unrecorded until the project or"
                + " its build folder is moved");
  }

  /**
   * Sets one of the recorder's options; a second value replaces the first.
   *
   * @throws IllegalArgumentException if the value has a comma, which separates options
   */
  public TestJvm option(String key, String value) {
    if (Objects.requireNonNull(value, key).indexOf(OPTION_SEPARATOR) >= 0) {
      throw new IllegalArgumentException(
          "hackleak: the value of `" + key + "` must not have a comma: " + value);
    }
    options.put(key, value);
    return this;
  }

  /**
   * Keeps the options of the environment that the build runs in, where it says nothing else: of two
   * values of an option the recorder takes the last.
   *
   * @param text the value of {@link #OPTIONS} there; may be null or empty
   */
  public TestJvm inheriting(String text) {
    String options = text == null ? "" : text.trim().replaceAll(",+$", "");
    inherited = options.isEmpty() ? "" : options + OPTION_SEPARATOR;
    return this;
  }

  /** Says how each test is checked where its annotation does not. */
  public TestJvm ofTests(Setting setting, String value) {
    properties.put(setting.property(), value);
    return this;
  }

  /** Has tests fail that cannot be recorded. */
  public TestJvm required() {
    properties.put("hackleak.required", TRUE);
    return this;
  }

  /**
   * Has every JUnit Jupiter test checked, as if it had {@code @NoLeaks}; hackleak-junit must be on
   * the test class path. So every TestNG method where hackleak-testng is on it.
   */
  public TestJvm everyTest() {
    properties.put("junit.jupiter.extensions.autodetection.enabled", TRUE);
    properties.put("hackleak.everyTest", TRUE);
    return this;
  }

  /** The system properties to set, in the order in which they were asked for; a copy. */
  public Map<String, String> systemProperties() {
    return new LinkedHashMap<>(properties);
  }

  /**
   * The value of {@link #PRELOAD}: the recorder, and then what is there already.
   *
   * @param present the value that the build or the environment sets; may be null or empty
   */
  public String preload(String present) {
    if (present == null || present.isEmpty()) {
      return library.toString();
    }
    return present.contains(library.toString()) ? present : library + LIBRARY_SEPARATOR + present;
  }

  /** The value of {@link #OPTIONS}. */
  public String optionsText() {
    return options.entrySet().stream()
        .map(option -> option.getKey() + "=" + option.getValue())
        .collect(Collectors.joining(String.valueOf(OPTION_SEPARATOR), inherited, ""));
  }
}
