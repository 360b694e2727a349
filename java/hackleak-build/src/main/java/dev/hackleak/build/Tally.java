package dev.hackleak.build;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * How many tests were checked and leaked, and how many ran unchecked: the last line of a build.
 *
 * <p>The images know what was checked, and the test results in Surefire's format what ran. Not safe
 * for use by several threads.
 */
public final class Tally {
  private static final Pattern CASE = Pattern.compile("<testcase\\b([^>]*?)(/?)>");
  private static final Pattern CLASS = Pattern.compile("\\bclassname=\"([^\"]*)\"");

  private long processes;
  private long checked;
  private long leaked;
  private long unknown;
  private long unchecked;
  private final Set<String> classes = new HashSet<>();
  private final Map<String, Long> sites = new HashMap<>();
  private final Set<String> reasons = new LinkedHashSet<>();

  /**
   * Adds what was recorded.
   *
   * @throws IOException if the command cannot count
   */
  public Tally addImages(Command command, Collection<Path> images) throws IOException {
    if (images.isEmpty()) {
      return this;
    }
    List<String> arguments = images.stream().map(Path::toString).collect(Collectors.toList());
    Command.Result result = command.run("tally", arguments);
    if (!result.isClean()) {
      throw new IOException("the tests cannot be counted: " + result.output().trim());
    }
    for (String line : result.output().split("\n")) {
      String[] fields = line.split("\t", 3);
      switch (fields[0]) {
        case "processes":
          processes += Long.parseLong(fields[1]);
          break;
        case "checked":
          checked += Long.parseLong(fields[1]);
          break;
        case "leaked":
          leaked += Long.parseLong(fields[1]);
          break;
        case "unknown":
          unknown += Long.parseLong(fields[1]);
          break;
        case "class":
          classes.add(fields[1]);
          break;
        case "site":
          sites.merge(fields[2], Long.parseLong(fields[1]), Long::sum);
          break;
        default:
          throw new IOException("the tests cannot be counted: " + line);
      }
    }
    return this;
  }

  /**
   * Adds what ran, after what was recorded: the tests of classes that no check has named were not
   * checked.
   *
   * @param folder of files {@code TEST-*.xml}; need not be there
   * @param since files from before are those of another run
   * @param reason why tests may be unchecked, or empty
   */
  public Tally addResults(Path folder, FileTime since, String reason) throws IOException {
    if (!Files.isDirectory(folder)) {
      return this;
    }
    List<Path> files;
    try (Stream<Path> list = Files.list(folder)) {
      files = list.filter(Tally::isResult).sorted().collect(Collectors.toList());
    }
    for (Path file : files) {
      if (Files.getLastModifiedTime(file).compareTo(since) >= 0) {
        long ran = unchecked(new String(Files.readAllBytes(file), StandardCharsets.UTF_8));
        unchecked += ran;
        if (ran > 0 && !reason.isEmpty()) {
          reasons.add(reason);
        }
      }
    }
    return this;
  }

  private static boolean isResult(Path file) {
    String name = file.getFileName().toString();
    return name.startsWith("TEST-") && name.endsWith(".xml");
  }

  private long unchecked(String xml) {
    long count = 0;
    Matcher tests = CASE.matcher(xml);
    while (tests.find()) {
      Matcher named = CLASS.matcher(tests.group(1));
      boolean empty = !tests.group(2).isEmpty();
      int end = empty ? tests.end() : xml.indexOf("</testcase>", tests.end());
      String content = xml.substring(tests.end(), Math.max(end, tests.end()));
      if (named.find() && !content.contains("<skipped") && !isChecked(named.group(1))) {
        count++;
      }
    }
    return count;
  }

  /** By any of the names that a nested class may go by. */
  private boolean isChecked(String type) {
    String simple = type.substring(type.lastIndexOf('.') + 1);
    for (String part : simple.split("\\$")) {
      if (classes.contains(part)) {
        return true;
      }
    }
    return classes.contains(simple);
  }

  /** Adds another one, of other classes. */
  public Tally add(Tally other) {
    processes += other.processes;
    checked += other.checked;
    leaked += other.leaked;
    unknown += other.unknown;
    unchecked += other.unchecked;
    other.sites.forEach((site, tests) -> sites.merge(site, tests, Long::sum));
    reasons.addAll(other.reasons);
    return this;
  }

  /** Whether there is nothing to say. */
  public boolean isEmpty() {
    return processes == 0 && checked == 0 && unchecked == 0;
  }

  /**
   * {@code hackleak: 112 tests checked in 2 JVMs, 3 leaked (1 site in 3 tests); 14 not checked}.
   *
   * @param where the module, or empty
   */
  public String line(String where) {
    StringBuilder text = new StringBuilder("hackleak: ");
    if (!where.isEmpty()) {
      text.append(where).append(": ");
    }
    text.append(counted(checked, "test")).append(" checked in ").append(counted(processes, "JVM"));
    text.append(", ").append(leaked).append(" leaked");
    if (leaked > 0 && !sites.isEmpty()) {
      text.append(" (")
          .append(counted(sites.size(), "site"))
          .append(" in ")
          .append(counted(leaked, "test"))
          .append(')');
    }
    List<String> rest = new ArrayList<>();
    if (unknown > 0) {
      rest.add(unknown + " not known");
    }
    if (unchecked > 0) {
      String why = reasons.isEmpty() ? "" : " (" + String.join("; ", reasons) + ")";
      rest.add(unchecked + " not checked" + why);
    }
    return rest.isEmpty() ? text.toString() : text + "; " + String.join("; ", rest);
  }

  /** {@code 1 test}, {@code 2 tests}. */
  public static String counted(long number, String noun) {
    return number + " " + noun + (number == 1 ? "" : "s");
  }

  /**
   * Why tests may be unchecked, by what is on the test class path.
   *
   * @param everyTest whether tests are checked without annotations
   * @param jars names of files, such as {@code junit-4.13.2.jar}
   */
  public static String reason(boolean everyTest, Collection<String> jars) {
    if (!everyTest) {
      return "everyTest is off";
    }
    List<String> reasons = new ArrayList<>();
    String[][] frameworks = {
      {"JUnit 4", "junit-4", "hackleak-junit4"},
      {"TestNG", "testng-", "hackleak-testng"},
      {"ScalaTest", "scalatest_", "hackleak-scalatest"},
    };
    for (String[] framework : frameworks) {
      if (jars.stream().anyMatch(jar -> jar.startsWith(framework[1]))
          && jars.stream().noneMatch(jar -> jar.startsWith(framework[2]))) {
        reasons.add(framework[0] + ": add " + framework[2]);
      }
    }
    return String.join(", ", reasons);
  }
}
