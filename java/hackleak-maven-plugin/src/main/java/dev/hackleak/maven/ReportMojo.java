package dev.hackleak.maven;

import dev.hackleak.build.Command;
import dev.hackleak.build.Platform;
import dev.hackleak.build.Reports;
import dev.hackleak.build.Tally;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.apache.maven.plugin.AbstractMojo;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.plugins.annotations.LifecyclePhase;
import org.apache.maven.plugins.annotations.Mojo;
import org.apache.maven.plugins.annotations.Parameter;
import org.apache.maven.project.MavenProject;

/**
 * Reports on what was live when the test JVMs ended, in {@code target/hackleak/report.*}, and over
 * all modules in {@code target/hackleak/aggregate.*} of the top project. Fails on no leak.
 */
@Mojo(name = "report", defaultPhase = LifecyclePhase.VERIFY, threadSafe = true)
public final class ReportMojo extends AbstractMojo {
  /** The project. */
  @Parameter(defaultValue = "${project}", readonly = true, required = true)
  private MavenProject project;

  /** Does nothing. */
  @Parameter(property = "hackleak.skip", defaultValue = "false")
  private boolean skip;

  /** The formats, as {@code hackleak report --format} has them. */
  @Parameter(property = "hackleak.formats", defaultValue = "json,html")
  private List<String> formats;

  @Override
  public void execute() throws MojoExecutionException {
    if (skip || Platform.current().unsupported().isPresent()) {
      return;
    }
    try {
      Path folder = PluginConfiguration.folder(project);
      List<Path> images = Command.images(folder);
      if (images.isEmpty()) {
        getLog().info("hackleak: nothing was recorded");
        return;
      }
      Command command = new Command(PluginConfiguration.unpack(project));
      Reports.write(command, images, folder, "report", formats);
      Aggregate.add(project, formats);
      getLog()
          .info(
              "hackleak: reports of " + Tally.counted(images.size(), "JVM") + " are in " + folder);
    } catch (IOException e) {
      throw new MojoExecutionException("hackleak: " + e.getMessage(), e);
    }
  }
}
