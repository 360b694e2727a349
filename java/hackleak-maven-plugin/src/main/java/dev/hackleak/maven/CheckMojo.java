package dev.hackleak.maven;

import dev.hackleak.build.Command;
import dev.hackleak.build.Platform;
import dev.hackleak.build.Tally;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.apache.maven.execution.MavenSession;
import org.apache.maven.plugin.AbstractMojo;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.plugin.MojoFailureException;
import org.apache.maven.plugins.annotations.LifecyclePhase;
import org.apache.maven.plugins.annotations.Mojo;
import org.apache.maven.plugins.annotations.Parameter;
import org.apache.maven.project.MavenProject;

/**
 * Fails the build if anything was still live when a test JVM ended, after garbage was collected,
 * that neither a suppression nor the baseline covers.
 */
@Mojo(name = "check", defaultPhase = LifecyclePhase.VERIFY, threadSafe = true)
public final class CheckMojo extends AbstractMojo {
  /** The project. */
  @Parameter(defaultValue = "${project}", readonly = true, required = true)
  private MavenProject project;

  /** The build. */
  @Parameter(defaultValue = "${session}", readonly = true, required = true)
  private MavenSession session;

  /** Does nothing. */
  @Parameter(property = "hackleak.skip", defaultValue = "false")
  private boolean skip;

  /** Fails if tests ran that were not recorded. */
  @Parameter(property = "hackleak.required", defaultValue = "false")
  private boolean required;

  @Override
  public void execute() throws MojoExecutionException, MojoFailureException {
    if (skip) {
      return;
    }
    Optional<String> unsupported = Platform.current().unsupported();
    if (unsupported.isPresent()) {
      // Said at the start of the build.
      if (required) {
        unchecked(unsupported.get());
      }
      return;
    }
    try {
      Path folder = PluginConfiguration.folder(project);
      List<Path> images = Command.images(folder);
      if (images.isEmpty() && !TestResults.exist(session, project)) {
        getLog().info("hackleak: not checked: no tests ran");
        return;
      }
      if (images.isEmpty()) {
        unchecked("no test JVM was recorded in " + folder);
        return;
      }
      Command.Result result = new Command(PluginConfiguration.unpack(project)).report(images);
      if (result.isClean()) {
        getLog().info("hackleak: no leaks in " + Tally.counted(images.size(), "test JVM"));
        return;
      }
      for (String line : result.output().split("\n")) {
        getLog().error(line);
      }
      throw new MojoFailureException(result.verdict());
    } catch (IOException e) {
      throw new MojoExecutionException("hackleak: " + e.getMessage(), e);
    }
  }

  private void unchecked(String why) throws MojoFailureException {
    if (required) {
      throw new MojoFailureException("hackleak: " + why + "; hackleak.required forbids that");
    }
    getLog().info("hackleak: not checked: " + why);
  }
}
