package dev.hackleak.maven;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.apache.maven.MavenExecutionException;
import org.apache.maven.model.Dependency;
import org.apache.maven.model.PluginExecution;
import org.junit.jupiter.api.Test;

class ParticipantTest extends Projects {
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
  void optionsOfTheEnvironmentCountWhereTheBuildSaysNothing() throws Exception {
    system.setProperty("env.HACKLEAK_OPTIONS", "held=fail,depth=5");
    String own =
        "<environmentVariables><HACKLEAK_OPTIONS>depth=7</HACKLEAK_OPTIONS></environmentVariables>";
    surefire.setConfiguration(xml(own));
    read(LINUX);
    String options = "held=fail,depth=5,out=" + folder + "/target/hackleak,exit=settle";
    assertEquals(options + ",depth=7", variable(surefire.getConfiguration(), "HACKLEAK_OPTIONS"));
    assertEquals(options, variable(failsafe.getConfiguration(), "HACKLEAK_OPTIONS"));
    assertEquals("", refused());
    system.setProperty("env.HACKLEAK_OPTIONS", "depht=5");
    assertTrue(
        refused().startsWith("hackleak: HACKLEAK_OPTIONS of the environment cannot be used"),
        refused());
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
  void underACommaTestsRunUnrecorded() throws Exception {
    project.getBuild().setDirectory(folder.resolve("co,mma/target").toString());
    read(LINUX);
    assertNull(surefire.getConfiguration());
    assertTrue(hackleak.getExecutions().isEmpty());

    makeProject();
    project.getBuild().setDirectory(folder.resolve("co,mma/target").toString());
    hackleak.setConfiguration(xml("<required>true</required>"));
    String refused = assertThrows(MavenExecutionException.class, () -> read(LINUX)).getMessage();
    assertTrue(refused.contains("because of the comma in its path"), refused);
    assertTrue(refused.endsWith("is moved; hackleak.required forbids that"), refused);
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
