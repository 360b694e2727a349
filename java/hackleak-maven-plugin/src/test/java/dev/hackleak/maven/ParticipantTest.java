package dev.hackleak.maven;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.hackleak.build.NativeFiles;
import dev.hackleak.build.Platform;
import java.io.File;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import org.apache.maven.MavenExecutionException;
import org.apache.maven.execution.DefaultMavenExecutionRequest;
import org.apache.maven.execution.DefaultMavenExecutionResult;
import org.apache.maven.execution.MavenSession;
import org.apache.maven.model.Build;
import org.apache.maven.model.Dependency;
import org.apache.maven.model.Model;
import org.apache.maven.model.Plugin;
import org.apache.maven.model.PluginExecution;
import org.apache.maven.plugin.MojoExecutionException;
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
  private final Properties user = new Properties();
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
            new DefaultMavenExecutionRequest().setGoals(goals).setUserProperties(user),
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
      String cache = System.getProperty("user.home") + "/.cache/hackleak/";
      assertTrue(library.startsWith(cache), library);
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
  void whoCallsTheTestsAloneIsToldOfMistakes() throws Exception {
    hackleak.setConfiguration(xml("<held>warn</held>"));
    read(LINUX);
    makeProject();
    goals.set(0, "surefire:test");
    Throwable refused = assertThrows(MavenExecutionException.class, () -> read(LINUX));
    assertTrue(
        refused.getMessage().startsWith("hackleak: <held> cannot be used: "), refused::getMessage);
  }

  private String refused() throws Exception {
    PluginConfiguration settings = PluginConfiguration.of(session(), project);
    NativeFiles files = PluginConfiguration.unpack(project);
    try {
      settings.check(files);
      return "";
    } catch (MojoExecutionException e) {
      return e.getMessage();
    }
  }

  private void refuses(String configuration, String... sentences) throws Exception {
    hackleak.setConfiguration(xml(configuration));
    String all = refused();
    assertEquals(sentences.length, all.isEmpty() ? 0 : all.split("\n").length, all);
    for (int i = 0; i < sentences.length; i++) {
      assertTrue(all.split("\n")[i].contains(sentences[i]), all);
    }
  }

  @Test
  void eachMistakeIsOneSentence() throws Exception {
    refuses(
        "<suppresions>a.txt</suppresions>",
        "hackleak: <suppresions> cannot be used: it is no element of the plugin: did you mean"
            + " <suppressions>?");
    refuses("<coverage>1</coverage>", "use one of allowBlocks, allowBytes, baseline");
    refuses("<options><depht>1</depht></options>", "<depht> in <options> cannot be used: option");
    refuses("<options>depth=1</options>", "<options> cannot be used: write each option as an");
    refuses("<held><choice>note</choice></held>", "<held> cannot be used: it has a text");
    refuses("<formats><format>htm</format></formats>", "<formats> cannot be used: `htm` is no");
    refuses("<formats>json,htm</formats>", "`htm` is no");
    refuses("<skip>ture</skip>", "<skip> cannot be used: it is true or false");
    refuses("<suppressions>a.txt</suppressions>", folder + "/a.txt");
    refuses("<kinds><kind>new</kind><kind>neu</kind></kinds>", "<kinds> cannot be used: `neu`");
    refuses("<kinds><kind>new</kind></kinds><repeat>2</repeat><formats>json,html</formats>");
  }

  @Test
  void otherLaunchersFindLibraryAndOptionsInProperties() throws Exception {
    hackleak.setConfiguration(xml("<held>ignore</held>"));
    read(LINUX);
    PluginConfiguration.of(session(), project).tell();
    String options = project.getProperties().getProperty("hackleak.options");
    assertEquals(variable(surefire.getConfiguration(), "HACKLEAK_OPTIONS"), options);
    String library = project.getProperties().getProperty("hackleak.library");
    assertEquals(variable(surefire.getConfiguration(), "LD_PRELOAD"), library);
    assertEquals("", refused());
  }

  @Test
  void executionsAndTheTestPluginsOwnOptionsAreLookedAt() throws Exception {
    PluginExecution report = new PluginExecution();
    report.setId("report");
    report.setConfiguration(xml("<format>json</format>"));
    hackleak.addExecution(report);
    assertTrue(refused().contains("did you mean <formats>?"), refused());
    hackleak.removeExecution(report);
    String wrong =
        "<environmentVariables><HACKLEAK_OPTIONS>trak=new</HACKLEAK_OPTIONS></environmentVariables>";
    surefire.setConfiguration(xml(wrong));
    read(LINUX);
    assertEquals(1, refused().split("\n").length);
    assertTrue(
        refused().contains("<HACKLEAK_OPTIONS> of maven-surefire-plugin cannot be used: option"),
        refused());
  }

  @Test
  void propertiesAreLookedAtAndOthersAreTheBuildsOwn() throws Exception {
    project.getProperties().setProperty("hackleak.version", "1");
    project.getProperties().setProperty("hackleak.jar.folder", "x");
    assertEquals("", refused());
    project.getProperties().setProperty("hackleak.supressions", "x");
    assertEquals(
        "hackleak: <hackleak.supressions> cannot be used: there is no such property: did you mean"
            + " hackleak.suppressions?",
        refused());
    project.getProperties().remove("hackleak.supressions");
    project.getProperties().setProperty("hackleak.everyTest", "yes");
    assertTrue(refused().startsWith("hackleak: <hackleak.everyTest> cannot be used"), refused());
  }

  /** A parameter that is missing there is unknown to editors, and to Maven 3.9, which warns. */
  @Test
  void theDescriptorHasAllElements() throws Exception {
    Xpp3Dom plugin;
    try (Reader in =
        new InputStreamReader(
            getClass().getResourceAsStream("/META-INF/maven/plugin.xml"), StandardCharsets.UTF_8)) {
      plugin = Xpp3DomBuilder.build(in);
    }
    Set<String> declared = new TreeSet<>();
    for (Xpp3Dom mojo : plugin.getChild("mojos").getChildren()) {
      if (!mojo.getChild("goal").getValue().equals("help")) {
        for (Xpp3Dom parameter : mojo.getChild("parameters").getChildren()) {
          if (parameter.getChild("editable").getValue().equals("true")) {
            declared.add(parameter.getChild("name").getValue());
          }
        }
      }
    }
    assertEquals(Names.elements(), declared);
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
  void requiredRefusesTestsInMavensOwnJvm() throws Exception {
    hackleak.setConfiguration(xml("<required>true</required>"));
    surefire.setConfiguration(xml("<forkCount>0</forkCount>"));
    MavenExecutionException refused =
        assertThrows(MavenExecutionException.class, () -> read(LINUX));
    assertEquals(
        "maven-surefire-plugin of "
            + project.getId()
            + " forks no JVM, so its tests cannot be recorded; hackleak.required forbids that",
        refused.getMessage());
    // The modules of a parent have tests, it has none itself.
    makeProject();
    project.setPackaging("pom");
    read(LINUX);
  }

  @Test
  void propertiesSayWhetherTestsFork() throws Exception {
    for (String[] property : new String[][] {{"forkCount", "0"}, {"forkMode", "never"}}) {
      makeProject();
      project.getProperties().setProperty(property[0], property[1]);
      surefire.setConfiguration(null);
      read(LINUX);
      assertNull(surefire.getConfiguration(), property[0]);
    }
    makeProject();
    surefire.setConfiguration(xml("<forkCount>2</forkCount>"));
    for (PluginExecution execution : surefire.getExecutions()) {
      execution.setConfiguration(surefire.getConfiguration());
    }
    project.getProperties().setProperty("forkCount", "0");
    user.setProperty("forkCount", "0");
    read(LINUX);
    assertTrue(variable(surefire.getConfiguration(), "LD_PRELOAD").contains("libhackleak.so"));
    assertNull(failsafe.getConfiguration());
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
