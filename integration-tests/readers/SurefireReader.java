import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.maven.plugin.surefire.log.api.NullConsoleLogger;
import org.apache.maven.plugins.surefire.report.ReportTestCase;
import org.apache.maven.plugins.surefire.report.ReportTestSuite;
import org.apache.maven.plugins.surefire.report.TestSuiteXmlParser;

/** Prints what Surefire's own reader finds in a file: the suite's numbers, then each case. */
class SurefireReader {
  public static void main(String[] arguments) throws Exception {
    TestSuiteXmlParser parser = new TestSuiteXmlParser(new NullConsoleLogger());
    try (InputStreamReader file =
        new InputStreamReader(Files.newInputStream(Path.of(arguments[0])), StandardCharsets.UTF_8)) {
      for (ReportTestSuite suite : parser.parse(file)) {
        System.out.printf(
            "suite %s: %d tests, %d failures, %d errors, %d skipped%n",
            suite.getName(),
            suite.getNumberOfTests(),
            suite.getNumberOfFailures(),
            suite.getNumberOfErrors(),
            suite.getNumberOfSkipped());
        for (ReportTestCase test : suite.getTestCases()) {
          String result = test.hasFailure() ? "failed" : test.hasError() ? "error" : "passed";
          System.out.printf("%s %s | %s | %s%n", result, test.getFullClassName(), test.getName(), test.getFailureMessage());
        }
      }
    }
  }
}
