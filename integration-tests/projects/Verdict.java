import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;

/**
 * Compares what Surefire reported with what is expected, and exits 0 exactly if both agree.
 *
 * <p>{@code java Verdict.java PROJECT EXPECTED}, where the file EXPECTED has a line for each test:
 *
 * <pre>
 * pass  class.method
 * fail  class.method :: pattern :: pattern    with a LeakError
 * error class.method :: pattern               with any failure
 * skip  class.method :: pattern
 * </pre>
 *
 * Every pattern must be found in the failure. The JSON that a LeakError points to must be
 * well-formed and name the test's class.
 */
public final class Verdict {
  private static final Pattern JSON_PATH = Pattern.compile("\\S*leaks-\\d+-\\d+\\.json");

  private static final String SKIPPED = "skipped";

  private final Map<String, String> failures = new TreeMap<>();
  private final List<String> complaints = new ArrayList<>();
  private final List<String> confirmed = new ArrayList<>();

  public static void main(String[] args) throws Exception {
    Path project = Path.of(args[0]);
    Verdict verdict = new Verdict();
    verdict.read(project.resolve("target/surefire-reports"));
    for (String line : Files.readAllLines(Path.of(args[1]))) {
      if (!line.isBlank() && !line.startsWith("#")) {
        verdict.compare(line.trim());
      }
    }
    verdict.failures.keySet().forEach(test -> verdict.complaints.add(test + ": not expected"));
    verdict.confirmed.forEach(System.out::println);
    verdict.complaints.forEach(complaint -> System.err.println("UNEXPECTED " + complaint));
    if (verdict.confirmed.isEmpty() || !verdict.complaints.isEmpty()) {
      System.exit(1);
    }
    System.out.println("all " + verdict.confirmed.size() + " tests ended as expected");
  }

  /** Every test with the text of its failure, or of what skipped it; empty for a test that passed. */
  private void read(Path reports) throws Exception {
    DocumentBuilder parser = DocumentBuilderFactory.newInstance().newDocumentBuilder();
    List<Path> files;
    try (Stream<Path> list = Files.list(reports)) {
      files = list.filter(file -> file.getFileName().toString().endsWith(".xml")).toList();
    }
    for (Path file : files) {
      NodeList tests = parser.parse(file.toFile()).getElementsByTagName("testcase");
      for (int i = 0; i < tests.getLength(); i++) {
        Element test = (Element) tests.item(i);
        String method = test.getAttribute("name").replaceAll("\\(.*", "");
        failures.put(test.getAttribute("classname") + "." + method, failure(test));
      }
    }
  }

  private static String failure(Element test) {
    for (Node node = test.getFirstChild(); node != null; node = node.getNextSibling()) {
      if (node instanceof Element outcome
          && outcome.getTagName().matches("failure|error|skipped")) {
        // ScalaTest writes "class", too.
        String type = outcome.getAttribute("type").replaceFirst("^class ", "");
        return (outcome.getTagName().equals("skipped") ? SKIPPED : type)
            + "\n"
            + outcome.getAttribute("message")
            + "\n"
            + outcome.getTextContent();
      }
    }
    return "";
  }

  private void compare(String line) throws IOException {
    String[] parts = line.split("\\s+::\\s+");
    // Tests of ScalaTest have sentences for names.
    String[] head = parts[0].split("\\s+", 2);
    String test = head[1];
    String failure = failures.remove(test);
    if (failure == null) {
      complaints.add(test + ": did not run");
      return;
    }
    switch (head[0]) {
      case "pass" -> {
        if (failure.isEmpty()) {
          confirmed.add("passed, as expected: " + test);
        } else {
          complaints.add(test + ": failed: " + failure);
        }
      }
      case "fail" -> {
        if (matches(test, failure, parts) && isLeak(test, failure)) {
          json(test, failure)
              .ifPresent(path -> confirmed.add("leaked, as expected: " + test + ": " + path));
        }
      }
      case "error" -> {
        if (matches(test, failure, parts) && isSkipped(test, failure, false)) {
          confirmed.add("failed, as expected: " + test);
        }
      }
      case "skip" -> {
        if (matches(test, failure, parts) && isSkipped(test, failure, true)) {
          confirmed.add("skipped, as expected: " + test);
        }
      }
      default -> throw new IllegalArgumentException(line);
    }
  }

  private boolean matches(String test, String failure, String[] parts) {
    if (failure.isEmpty()) {
      complaints.add(test + ": passed");
      return false;
    }
    for (int i = 1; i < parts.length; i++) {
      if (!Pattern.compile(parts[i]).matcher(failure).find()) {
        complaints.add(test + ": nothing matches " + parts[i] + " in: " + failure);
        return false;
      }
    }
    return true;
  }

  private boolean isSkipped(String test, String failure, boolean expected) {
    boolean agrees = failure.startsWith(SKIPPED + "\n") == expected;
    if (!agrees) {
      complaints.add(test + (expected ? ": not skipped: " : ": skipped: ") + failure);
    }
    return agrees;
  }

  private boolean isLeak(String test, String failure) {
    boolean leak = failure.startsWith("dev.hackleak.LeakError\n");
    if (!leak) {
      complaints.add(test + ": not a LeakError: " + failure);
    }
    return leak;
  }

  /** The report that the failure points to, if it is what it should be. */
  private Optional<String> json(String test, String failure) throws IOException {
    Matcher path = JSON_PATH.matcher(failure);
    if (!path.find()) {
      complaints.add(test + ": no JSON report in: " + failure);
      return Optional.empty();
    }
    try {
      String testClass = test.substring(0, test.lastIndexOf('.'));
      List<String> strings = new Json(Files.readString(Path.of(path.group()))).strings();
      if (strings.stream().anyMatch(string -> string.contains(testClass))) {
        return Optional.of(path.group());
      }
      complaints.add(test + ": " + path.group() + " does not name " + testClass);
    } catch (IllegalArgumentException | NoSuchFileException e) {
      complaints.add(test + ": " + path.group() + ": " + e);
    }
    return Optional.empty();
  }

  /** A reader that checks the grammar of RFC 8259 and keeps the strings. */
  private static final class Json {
    private static final Pattern STRING =
        Pattern.compile("\"(?:[^\"\\\\\\p{Cntrl}]|\\\\[\"\\\\/bfnrt]|\\\\u[0-9a-fA-F]{4})*+\"");
    private static final Pattern SCALAR =
        Pattern.compile("true|false|null|-?(?:0|[1-9]\\d*)(?:\\.\\d+)?(?:[eE][+-]?\\d+)?");

    private final String text;
    private final List<String> strings = new ArrayList<>();
    private int at;

    Json(String text) {
      this.text = text;
    }

    List<String> strings() {
      value();
      space();
      expect(at == text.length());
      return strings;
    }

    private void value() {
      space();
      expect(at < text.length());
      switch (text.charAt(at)) {
        case '{' -> list('}', true);
        case '[' -> list(']', false);
        case '"' -> strings.add(match(STRING));
        default -> match(SCALAR);
      }
    }

    private void list(char end, boolean keys) {
      at++;
      if (next(end)) {
        return;
      }
      do {
        if (keys) {
          space();
          match(STRING);
          expect(next(':'));
        }
        value();
      } while (next(','));
      expect(next(end));
    }

    private boolean next(char wanted) {
      space();
      boolean found = at < text.length() && text.charAt(at) == wanted;
      at += found ? 1 : 0;
      return found;
    }

    private void space() {
      while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
        at++;
      }
    }

    private String match(Pattern pattern) {
      Matcher matcher = pattern.matcher(text).region(at, text.length());
      expect(matcher.lookingAt());
      at = matcher.end();
      return matcher.group();
    }

    private void expect(boolean condition) {
      if (!condition) {
        throw new IllegalArgumentException("not JSON, at character " + at);
      }
    }
  }
}
