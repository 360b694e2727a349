package dev.hackleak.maven;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.hackleak.build.Platform;
import java.io.File;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.apache.maven.MavenExecutionException;
import org.apache.maven.execution.DefaultMavenExecutionRequest;
import org.apache.maven.execution.DefaultMavenExecutionResult;
import org.apache.maven.execution.MavenSession;
import org.apache.maven.model.Build;
import org.apache.maven.model.Dependency;
import org.apache.maven.model.Model;
import org.apache.maven.model.Plugin;
import org.apache.maven.model.PluginExecution;
import org.apache.maven.project.MavenProject;
import org.codehaus.plexus.util.xml.Xpp3Dom;
import org.codehaus.plexus.util.xml.Xpp3DomBuilder;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ParticipantTest {
  private static final Platform LINUX = Platform.of("Linux", "amd64", true);
  private static final Platform MAC = Platform.of("Mac OS X", "aarch64", false);

  @TempDir Path folder;
  private MavenProject project;
  private final Plugin hackleak = plugin("dev.hackleak", "hackleak-maven-plugin");
  private final Plugin surefire = plugin("org.apache.maven.plugins", "maven-surefire-plugin");
  private final Plugin failsafe = plugin("org.apache.maven.plugins", "maven-failsafe-plugin");
  private final List<String> goals = new ArrayList<>(Collections.singletonList("verify"));

  private static Plugin plugin(String group, String artifact) {
    Plugin plugin = new Plugin();
    plugin.setGroupId(group);
    plugin.setArtifactId(artifact);
    return plugin;
  }

  @BeforeEach
  void makeProject() {
    Model model = new Model();
    Build build = new Build();
    build.setDirectory(folder.resolve("target").toString());
    Arrays.asList(hackleak, surefire, failsafe).forEach(build::addPlugin);
    model.setBuild(build);
    project = new MavenProject(model);
    project.setFile(new File(folder.toFile(), "pom.xml"));
    PluginExecution execution = new PluginExecution();
    execution.setId("default-test");
    surefire.addExecution(execution);
  }

  @SuppressWarnings("deprecation")
  private MavenSession session() {
    MavenSession session =
        new MavenSession(
            null,
            null,
            new DefaultMavenExecutionRequest().setGoals(goals),
            new DefaultMavenExecutionResult());
    session.setProjects(Collections.singletonList(project));
    return session;
  }

  private void read(Platform platform) throws MavenExecutionException {
    new Participant(platform).afterProjectsRead(session());
  }

  private static Xpp3Dom xml(String text) throws Exception {
    return Xpp3DomBuilder.build(new StringReader("<configuration>" + text + "</configuration>"));
  }

  private static String value(Object configuration, String... path) {
    Xpp3Dom at = (Xpp3Dom) configuration;
    for (String name : path) {
      at = at == null ? null : at.getChild(name);
    }
    return at == null ? null : at.getValue();
  }

  private static String variable(Object configuration, String name) {
    return value(configuration, "environmentVariables", name);
  }

  @Test
  void bothPluginsAndTheirExecutionsAreChanged() throws Exception {
    read(LINUX);
    List<Object> configurations =
        Arrays.asList(
            surefire.getConfiguration(),
            surefire.getExecutions().get(0).getConfiguration(),
            failsafe.getConfiguration());
    for (Object configuration : configurations) {
      String library = variable(configuration, "LD_PRELOAD");
      assertTrue(library.startsWith(folder + "/target/hackleak/native/"), library);
      assertTrue(Files.isRegularFile(Paths.get(library)), library);
      assertEquals(
          "out=" + folder + "/target/hackleak,exit=settle",
          variable(configuration, "HACKLEAK_OPTIONS"));
      assertEquals(
          "true", value(configuration, "systemPropertyVariables", "ai.rapids.refcount.debug"));
    }
  }

  @Test
  void whatTheBuildSetsItselfStays() throws Exception {
    surefire.setConfiguration(
        xml(
            "<argLine>@{argLine} -Xmx1g</argLine>"
                + "<environmentVariables><LD_PRELOAD>/lib/theirs.so</LD_PRELOAD>"
                + "<HACKLEAK_OPTIONS>depth=7</HACKLEAK_OPTIONS><OTHER>1</OTHER></environmentVariables>"
                + "<systemPropertyVariables><ai.rapids.refcount.debug>false</ai.rapids.refcount.debug>"
                + "</systemPropertyVariables>"));
    read(LINUX);
    Object changed = surefire.getConfiguration();
    assertEquals("@{argLine} -Xmx1g", value(changed, "argLine"));
    assertTrue(variable(changed, "LD_PRELOAD").endsWith("/libhackleak.so:/lib/theirs.so"));
    assertTrue(variable(changed, "HACKLEAK_OPTIONS").endsWith(",exit=settle,depth=7"));
    assertEquals("1", variable(changed, "OTHER"));
    assertEquals("false", value(changed, "systemPropertyVariables", "ai.rapids.refcount.debug"));
  }

  @Test
  void aWrongChoiceIsToldWithItsElement() throws Exception {
    hackleak.setConfiguration(xml("<held>warn</held>"));
    Throwable refused = assertThrows(MavenExecutionException.class, () -> read(LINUX));
    assertEquals(
        "hackleak: <held> (-Dhackleak.held) is fail, note or ignore, not \"warn\"",
        refused.getMessage());
  }

  @Test
  void settingsReachTheRecorder() throws Exception {
    hackleak.setConfiguration(
        xml(
            "<track>new+malloc</track><held>ignore</held><suppressions>known.txt</suppressions>"
                + "<known>fail</known><knownLeaks>leaks.known</knownLeaks>"
                + "<required>true</required><options><depth>9</depth></options>"));
    read(LINUX);
    assertEquals(
        "out="
            + folder
            + "/target/hackleak,exit=settle,track=new+malloc,known=fail,held=ignore,suppressions="
            + folder
            + "/known.txt,known-leaks="
            + folder
            + "/leaks.known,depth=9",
        variable(surefire.getConfiguration(), "HACKLEAK_OPTIONS"));
    assertEquals(
        "true", value(surefire.getConfiguration(), "systemPropertyVariables", "hackleak.required"));
  }

  @Test
  void everyTestBringsTheExtensionUnlessItIsThere() throws Exception {
    read(LINUX);
    assertEquals(1, project.getDependencies().size());
    Dependency junit = project.getDependencies().get(0);
    assertEquals("dev.hackleak:hackleak-junit:jar", junit.getManagementKey());
    assertEquals("test", junit.getScope());

    makeProject();
    Dependency own = junit.clone();
    own.setVersion("9");
    project.getDependencies().add(own);
    read(LINUX);
    assertEquals(Collections.singletonList(own), project.getDependencies());
  }

  @Test
  void withoutEveryTestNothingJoinsTheClassPath() throws Exception {
    hackleak.setConfiguration(xml("<everyTest>false</everyTest>"));
    read(LINUX);
    assertTrue(project.getDependencies().isEmpty());
    assertNull(
        value(
            surefire.getConfiguration(),
            "systemPropertyVariables",
            "junit.jupiter.extensions.autodetection.enabled"));
    assertTrue(variable(surefire.getConfiguration(), "LD_PRELOAD").contains("libhackleak.so"));
  }

  @Test
  void thePreparationIsBoundOnce() throws Exception {
    read(LINUX);
    read(LINUX);
    assertEquals(1, hackleak.getExecutions().size());
    assertEquals(Collections.singletonList("prepare"), hackleak.getExecutions().get(0).getGoals());
  }

  @Test
  void beforeACleanNothingIsUnpacked() throws Exception {
    goals.add(0, "clean");
    read(LINUX);
    assertTrue(Files.notExists(folder.resolve("target")));
  }

  @Test
  void elsewhereTheModelStays() throws Exception {
    read(MAC);
    assertNull(surefire.getConfiguration());
    assertTrue(project.getDependencies().isEmpty());
    assertTrue(hackleak.getExecutions().isEmpty());
  }

  @Test
  void elsewhereRequiredFails() throws Exception {
    hackleak.setConfiguration(xml("<required>true</required>"));
    MavenExecutionException refused = assertThrows(MavenExecutionException.class, () -> read(MAC));
    assertTrue(refused.getMessage().contains("Mac OS X"), refused::getMessage);
  }

  @Test
  void skippedAndUnforkedTestsAreLeftAlone() throws Exception {
    surefire.setConfiguration(xml("<forkCount>0</forkCount>"));
    read(LINUX);
    assertNull(variable(surefire.getConfiguration(), "LD_PRELOAD"));
    assertTrue(variable(failsafe.getConfiguration(), "LD_PRELOAD").contains("libhackleak.so"));

    makeProject();
    failsafe.setConfiguration(null);
    hackleak.setConfiguration(xml("<skip>true</skip>"));
    read(LINUX);
    assertNull(failsafe.getConfiguration());
  }
}
