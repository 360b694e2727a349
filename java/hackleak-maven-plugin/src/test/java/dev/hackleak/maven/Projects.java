package dev.hackleak.maven;

import dev.hackleak.build.NativeFiles;
import dev.hackleak.build.Platform;
import java.io.File;
import java.io.StringReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Properties;
import org.apache.maven.MavenExecutionException;
import org.apache.maven.execution.DefaultMavenExecutionRequest;
import org.apache.maven.execution.DefaultMavenExecutionResult;
import org.apache.maven.execution.MavenSession;
import org.apache.maven.model.Build;
import org.apache.maven.model.Model;
import org.apache.maven.model.Plugin;
import org.apache.maven.model.PluginExecution;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.project.MavenProject;
import org.codehaus.plexus.util.xml.Xpp3Dom;
import org.codehaus.plexus.util.xml.Xpp3DomBuilder;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A project in memory, and what the plugin makes of it. */
abstract class Projects {
  static final Platform LINUX = Platform.of("Linux", "amd64", true);
  static final Platform MAC = Platform.of("Mac OS X", "aarch64", false);

  @TempDir Path folder;
  MavenProject project;
  final Plugin hackleak = plugin("dev.hackleak", "hackleak-maven-plugin");
  final Plugin surefire = plugin("org.apache.maven.plugins", "maven-surefire-plugin");
  final Plugin failsafe = plugin("org.apache.maven.plugins", "maven-failsafe-plugin");
  final Properties user = new Properties();
  final Properties system = new Properties();
  final List<String> goals = new ArrayList<>(Collections.singletonList("verify"));

  static Plugin plugin(String group, String artifact) {
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
  MavenSession session() {
    MavenSession session =
        new MavenSession(
            null,
            null,
            new DefaultMavenExecutionRequest()
                .setGoals(goals)
                .setUserProperties(user)
                .setSystemProperties(system),
            new DefaultMavenExecutionResult());
    session.setProjects(Collections.singletonList(project));
    return session;
  }

  void read(Platform platform) throws MavenExecutionException {
    new Participant(platform).afterProjectsRead(session());
  }

  static Xpp3Dom xml(String text) throws Exception {
    return Xpp3DomBuilder.build(new StringReader("<configuration>" + text + "</configuration>"));
  }

  static String value(Object configuration, String... path) {
    Xpp3Dom at = (Xpp3Dom) configuration;
    for (String name : path) {
      at = at == null ? null : at.getChild(name);
    }
    return at == null ? null : at.getValue();
  }

  static String variable(Object configuration, String name) {
    return value(configuration, "environmentVariables", name);
  }

  final String refused() throws Exception {
    PluginConfiguration settings = PluginConfiguration.of(session(), project);
    NativeFiles files = PluginConfiguration.unpack(project);
    try {
      settings.check(files);
      return "";
    } catch (MojoExecutionException e) {
      return e.getMessage();
    }
  }
}
