package dev.hackleak.maven;

import dev.hackleak.build.NativeFiles;
import dev.hackleak.build.Platform;
import dev.hackleak.build.TestJvm;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.maven.AbstractMavenLifecycleParticipant;
import org.apache.maven.MavenExecutionException;
import org.apache.maven.execution.MavenSession;
import org.apache.maven.model.Dependency;
import org.apache.maven.model.Plugin;
import org.apache.maven.model.PluginExecution;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.project.MavenProject;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has the JVMs of Surefire and Failsafe recorded, in every project whose build has the plugin.
 *
 * <p>Maven calls it because of {@code <extensions>true</extensions>}, once the projects are read
 * and before anything is built; what is changed is the model in memory.
 */
public final class Participant extends AbstractMavenLifecycleParticipant {
  private static final Logger LOG = LoggerFactory.getLogger(Participant.class);
  private static final String CONFIGURED = Participant.class.getName() + ".configured";

  /** Of a project whose test JVMs are recorded. */
  static final String RECORDED = Participant.class.getName() + ".recorded";

  private final Platform platform;

  /** For Maven. */
  public Participant() {
    this(Platform.current());
  }

  Participant(Platform platform) {
    this.platform = platform;
  }

  @Override
  public void afterProjectsRead(MavenSession session) throws MavenExecutionException {
    boolean said = false;
    for (MavenProject project : session.getProjects()) {
      Plugin plugin = project.getPlugin(PluginConfiguration.PLUGIN);
      PluginConfiguration settings = PluginConfiguration.of(session, project);
      if (plugin == null || settings.skip() || project.getContextValue(CONFIGURED) != null) {
        continue;
      }
      project.setContextValue(CONFIGURED, true);
      Optional<String> unusable = PluginConfiguration.unusable(project, platform);
      if (!unusable.isPresent()) {
        record(session, project, settings);
      } else if (settings.required()) {
        throw new MavenExecutionException(
            unusable.get() + "; hackleak.required forbids that", project.getFile());
      } else if (!said) {
        LOG.warn(unusable.get());
        said = true;
      }
    }
  }

  private static void record(
      MavenSession session, MavenProject project, PluginConfiguration settings)
      throws MavenExecutionException {
    List<TestPlugin> testPlugins = new ArrayList<>();
    for (Plugin other : project.getBuild().getPlugins()) {
      TestPlugin.of(other).ifPresent(testPlugins::add);
    }
    if (testPlugins.isEmpty()) {
      return;
    }
    try {
      TestJvm jvm = settings.testJvm();
      for (TestPlugin testPlugin : testPlugins) {
        if (testPlugin.forks(settings)) {
          testPlugin.record(jvm);
        } else if (!project.getPackaging().equals("pom")) {
          unrecorded(testPlugin + " of " + project.getId() + " forks no JVM", project, settings);
        }
      }
      if (settings.everyTest()) {
        addExtension(project);
      }
      addPreparation(project);
      project.setContextValue(RECORDED, true);
      // `mvn surefire:test` runs no other goal. After a `clean` it would be too early.
      if (session.getGoals().stream().noneMatch(goal -> goal.contains("clean"))) {
        NativeFiles files = PluginConfiguration.unpack(project);
        if (session.getGoals().stream().anyMatch(TestPlugin::isGoal)) {
          settings.check(files);
        }
      }
    } catch (IOException | IllegalArgumentException | MojoExecutionException e) {
      throw new MavenExecutionException(e.getMessage(), e);
    }
  }

  private static void unrecorded(String why, MavenProject project, PluginConfiguration settings)
      throws MavenExecutionException {
    if (settings.required()) {
      throw new MavenExecutionException(
          why + ", so its tests cannot be recorded; hackleak.required forbids that",
          project.getFile());
    }
    LOG.warn("{}: its tests run unrecorded", why);
  }

  /** What checks each test lies in hackleak-junit. */
  private static void addExtension(MavenProject project) {
    Dependency junit = new Dependency();
    junit.setGroupId(PluginConfiguration.GROUP);
    junit.setArtifactId("hackleak-junit");
    junit.setVersion(NativeFiles.version());
    junit.setScope("test");
    String key = junit.getManagementKey();
    if (project.getDependencies().stream().noneMatch(d -> d.getManagementKey().equals(key))) {
      project.getDependencies().add(junit);
    }
  }

  private static void addPreparation(MavenProject project) {
    // Asked for only now: in Maven 4 what was asked for before Surefire was changed is a copy that
    // no longer counts.
    Plugin plugin = project.getPlugin(PluginConfiguration.PLUGIN);
    PluginExecution execution = new PluginExecution();
    execution.setId("hackleak-prepare");
    execution.setPhase("process-test-classes");
    execution.addGoal("prepare");
    execution.setConfiguration(plugin.getConfiguration());
    plugin.addExecution(execution);
  }

  @Override
  public void afterSessionEnd(MavenSession session) throws MavenExecutionException {
    LastLine.say(session);
    try {
      Aggregate.write(session);
    } catch (IOException e) {
      throw new MavenExecutionException("the report of all modules: " + e.getMessage(), e);
    }
  }
}
