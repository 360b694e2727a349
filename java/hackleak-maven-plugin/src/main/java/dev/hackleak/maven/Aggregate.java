package dev.hackleak.maven;

import dev.hackleak.build.Command;
import dev.hackleak.build.Reports;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.apache.maven.execution.MavenSession;
import org.apache.maven.project.MavenProject;

/** One report of all modules, beside those of each. */
final class Aggregate {
  private static final String FORMATS = Aggregate.class.getName();

  private Aggregate() {}

  /** Notes that the goal {@code report} ran in a project. */
  static void add(MavenProject project, List<String> formats) {
    project.setContextValue(FORMATS, new ArrayList<>(formats));
  }

  /**
   * Writes {@code target/hackleak/aggregate.*} of the top project, if the goal ran in several
   * modules that recorded something.
   */
  static void write(MavenSession session) throws IOException {
    List<Path> images = new ArrayList<>();
    Set<String> formats = new LinkedHashSet<>();
    MavenProject some = null;
    int modules = 0;
    for (MavenProject project : session.getProjects()) {
      Object noted = project.getContextValue(FORMATS);
      List<Path> own = Command.images(PluginConfiguration.folder(project));
      if (noted instanceof List && !own.isEmpty()) {
        ((List<?>) noted).forEach(format -> formats.add(format.toString()));
        images.addAll(own);
        some = project;
        modules++;
      }
    }
    if (modules < 2) {
      return;
    }
    Path folder = PluginConfiguration.folder(session.getTopLevelProject());
    Command command = new Command(PluginConfiguration.unpack(some));
    Reports.write(command, images, folder, "aggregate", new ArrayList<>(formats));
  }
}
