package dev.hackleak.maven;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.maven.execution.MavenSession;
import org.apache.maven.model.Plugin;
import org.apache.maven.project.MavenProject;

/** What Surefire and Failsafe have left, which tells whether tests ran in a project. */
final class TestResults {
  private static final String PREPARED = TestResults.class.getName();

  /** Runs tests, and leaves no results unless it is told where. */
  private static final String OTHER_LAUNCHER = "org.scalatest:scalatest-maven-plugin";

  private TestResults() {}

  /** Where both write theirs, unless told otherwise, and where they are told to. */
  static Set<Path> folders(MavenProject project) {
    Set<Path> folders = new LinkedHashSet<>();
    for (String name : new String[] {"surefire-reports", "failsafe-reports"}) {
      folders.add(Paths.get(project.getBuild().getDirectory(), name));
    }
    for (TestPlugin plugin : plugins(project)) {
      for (String folder : plugin.values("reportsDirectory")) {
        folders.add(project.getBasedir().toPath().resolve(folder));
      }
    }
    return folders;
  }

  private static List<TestPlugin> plugins(MavenProject project) {
    List<TestPlugin> found = new ArrayList<>();
    for (Plugin plugin : project.getBuild().getPlugins()) {
      TestPlugin.of(plugin).ifPresent(found::add);
    }
    return found;
  }

  /** Notes that the tests of the project come in this build, if any do. */
  static void areToCome(MavenProject project) {
    project.setContextValue(PREPARED, true);
  }

  /**
   * Whether tests ran in the project, in this build or, if it has come to no tests, before it.
   *
   * <p>A module without tests has no results, nor has one whose tests are skipped or not asked for.
   * Where results are not written, test classes count.
   */
  static boolean exist(MavenSession session, MavenProject project) throws IOException {
    FileTime since =
        FileTime.fromMillis(
            project.getContextValue(PREPARED) == null ? 0 : session.getStartTime().getTime());
    for (Path folder : folders(project)) {
      for (Path file : files(folder, 1)) {
        if (isResult(file) && Files.getLastModifiedTime(file).compareTo(since) >= 0) {
          return true;
        }
      }
    }
    return !areWritten(session, project) && !isSkipped(session, project) && hasClasses(project);
  }

  private static boolean isResult(Path file) {
    String name = file.getFileName().toString();
    return name.startsWith("TEST-") && name.endsWith(".xml") || name.endsWith(".txt");
  }

  private static boolean areWritten(MavenSession session, MavenProject project) {
    return project.getPlugin(OTHER_LAUNCHER) == null
        && !is(session, project, "disableXmlReport")
        && plugins(project).stream()
            .noneMatch(
                plugin ->
                    plugin.values("disableXmlReport").contains("true")
                        || plugin.values("statelessTestsetReporter", "disable").contains("true"));
  }

  private static boolean isSkipped(MavenSession session, MavenProject project) {
    return is(session, project, "skipTests") || is(session, project, "maven.test.skip");
  }

  /** As Maven reads a flag: without a value, it is set. */
  private static boolean is(MavenSession session, MavenProject project, String property) {
    String value = PluginConfiguration.of(session, project).property(property);
    return value != null && (value.isEmpty() || Boolean.parseBoolean(value));
  }

  private static boolean hasClasses(MavenProject project) throws IOException {
    String folder = project.getBuild().getTestOutputDirectory();
    return folder != null
        && files(Paths.get(folder), Integer.MAX_VALUE).stream()
            .anyMatch(file -> file.getFileName().toString().endsWith(".class"));
  }

  private static List<Path> files(Path folder, int depth) throws IOException {
    if (!Files.isDirectory(folder)) {
      return new ArrayList<>();
    }
    try (Stream<Path> all = Files.walk(folder, depth)) {
      return all.filter(Files::isRegularFile).collect(Collectors.toList());
    }
  }
}
