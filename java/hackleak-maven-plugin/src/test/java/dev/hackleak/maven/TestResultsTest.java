package dev.hackleak.maven;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Date;
import org.apache.maven.execution.DefaultMavenExecutionRequest;
import org.apache.maven.execution.DefaultMavenExecutionResult;
import org.apache.maven.execution.MavenSession;
import org.apache.maven.model.Build;
import org.apache.maven.model.Model;
import org.apache.maven.model.Plugin;
import org.apache.maven.project.MavenProject;
import org.codehaus.plexus.util.xml.Xpp3DomBuilder;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestResultsTest {
  private static final Date START = new Date(1_000_000);

  @TempDir Path folder;
  private MavenProject project;
  private final Plugin surefire = new Plugin();
  private final DefaultMavenExecutionRequest request = new DefaultMavenExecutionRequest();

  @BeforeEach
  void makeProject() {
    surefire.setGroupId("org.apache.maven.plugins");
    surefire.setArtifactId("maven-surefire-plugin");
    Build build = new Build();
    build.setDirectory(folder.resolve("target").toString());
    build.setTestOutputDirectory(folder.resolve("target/test-classes").toString());
    build.addPlugin(surefire);
    Model model = new Model();
    model.setBuild(build);
    project = new MavenProject(model);
    project.setFile(new File(folder.toFile(), "pom.xml"));
    request.setStartTime(START);
  }

  @SuppressWarnings("deprecation")
  private boolean exist() throws IOException {
    MavenSession session = new MavenSession(null, null, request, new DefaultMavenExecutionResult());
    return TestResults.exist(session, project);
  }

  private void write(String name, long millis) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.write(file, new byte[0]);
    Files.setLastModifiedTime(file, FileTime.fromMillis(millis));
  }

  private void configure(String xml) throws Exception {
    String all = "<configuration>" + xml + "</configuration>";
    surefire.setConfiguration(Xpp3DomBuilder.build(new StringReader(all)));
  }

  @Test
  void aModuleWithoutTestsHasNone() throws Exception {
    assertFalse(exist());
    // A helper of other modules' tests is no test.
    write("target/test-classes/example/Helper.class", START.getTime());
    write("target/surefire-reports/mine.json", START.getTime());
    assertFalse(exist());
  }

  @Test
  void bothPluginsResultsCount() throws Exception {
    write("target/surefire-reports/TEST-example.SomeTest.xml", START.getTime());
    assertTrue(exist());
    makeProject();
    Files.delete(folder.resolve("target/surefire-reports/TEST-example.SomeTest.xml"));
    assertFalse(exist());
    write("target/failsafe-reports/example.SomeIT.txt", START.getTime());
    assertTrue(exist());
  }

  @Test
  void resultsFromBeforeCountOnlyForAGoalByItself() throws Exception {
    write("target/surefire-reports/TEST-example.SomeTest.xml", START.getTime() - 1);
    assertTrue(exist());
    TestResults.areToCome(project);
    assertFalse(exist());
    write("target/surefire-reports/TEST-example.SomeTest.xml", START.getTime());
    assertTrue(exist());
  }

  @Test
  void theConfiguredFolderCounts() throws Exception {
    configure("<reportsDirectory>results</reportsDirectory>");
    assertEquals(3, TestResults.folders(project).size());
    write("results/TEST-example.SomeTest.xml", START.getTime());
    assertTrue(exist());
  }

  @Test
  void whereNoneAreWrittenTestClassesCountUnlessTestsAreSkipped() throws Exception {
    configure("<disableXmlReport>true</disableXmlReport>");
    assertFalse(exist());
    write("target/test-classes/example/SomeTest.class", START.getTime());
    assertTrue(exist());
    configure("<statelessTestsetReporter><disable>true</disable></statelessTestsetReporter>");
    assertTrue(exist());
    request.getUserProperties().setProperty("skipTests", "");
    assertFalse(exist());
    request.getUserProperties().setProperty("skipTests", "false");
    assertTrue(exist());
    configure("");
    assertFalse(exist());
  }

  @Test
  void anotherLauncherMayHaveRunThem() throws Exception {
    write("target/test-classes/example/SomeSpec.class", START.getTime());
    assertFalse(exist());
    Plugin scalatest = new Plugin();
    scalatest.setGroupId("org.scalatest");
    scalatest.setArtifactId("scalatest-maven-plugin");
    project.getBuild().addPlugin(scalatest);
    project.getBuild().flushPluginMap();
    assertTrue(exist());
  }
}
