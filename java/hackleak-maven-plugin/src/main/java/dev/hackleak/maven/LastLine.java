package dev.hackleak.maven;

import dev.hackleak.build.Command;
import dev.hackleak.build.Tally;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.maven.artifact.Artifact;
import org.apache.maven.execution.MavenSession;
import org.apache.maven.project.MavenProject;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a build ends with: how many tests were checked, in each module and in all of them. */
final class LastLine {
  private static final Logger LOG = LoggerFactory.getLogger(LastLine.class);

  private LastLine() {}

  /** Says it, if tests ran in this build. */
  static void say(MavenSession session) {
    FileTime start = FileTime.fromMillis(session.getStartTime().getTime());
    Map<MavenProject, Tally> tallies = new LinkedHashMap<>();
    for (MavenProject project : session.getProjects()) {
      if (project.getContextValue(Participant.RECORDED) == null) {
        continue;
      }
      try {
        Tally tally = of(session, project, start);
        if (!tally.isEmpty()) {
          tallies.put(project, tally);
        }
      } catch (IOException e) {
        LOG.warn("hackleak: {}: {}", project.getArtifactId(), e.getMessage());
      }
    }
    Tally total = new Tally();
    boolean several = tallies.size() > 1;
    tallies.forEach(
        (project, tally) -> {
          total.add(tally);
          LOG.info(tally.line(several ? project.getArtifactId() : ""));
        });
    if (several) {
      LOG.info(total.line("in all"));
    }
  }

  private static Tally of(MavenSession session, MavenProject project, FileTime start)
      throws IOException {
    List<Path> images = new ArrayList<>();
    for (Path image : Command.images(PluginConfiguration.folder(project))) {
      if (Files.getLastModifiedTime(image).compareTo(start) >= 0) {
        images.add(image);
      }
    }
    Tally tally = new Tally();
    if (!images.isEmpty()) {
      tally.addImages(new Command(PluginConfiguration.unpack(project)), images);
    }
    List<String> jars = new ArrayList<>();
    // Maven shows each phase the artifacts of its own scope, and the last ones need few.
    project.setArtifactFilter(artifact -> true);
    for (Artifact artifact : project.getArtifacts()) {
      File file = artifact.getFile();
      jars.add(file == null ? artifact.getArtifactId() : file.getName());
    }
    String reason = Tally.reason(PluginConfiguration.of(session, project).everyTest(), jars);
    for (Path folder : TestResults.folders(project)) {
      tally.addResults(folder, start, reason);
    }
    return tally;
  }
}
