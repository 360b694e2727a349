package dev.hackleak.gradle;

import dev.hackleak.build.NativeFiles;
import dev.hackleak.build.Platform;
import dev.hackleak.build.Setting;
import java.io.File;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.gradle.api.Plugin;
import org.gradle.api.Project;
import org.gradle.api.artifacts.Configuration;
import org.gradle.api.plugins.ExtraPropertiesExtension;
import org.gradle.api.provider.Provider;
import org.gradle.api.tasks.PathSensitivity;
import org.gradle.api.tasks.SourceSet;
import org.gradle.api.tasks.SourceSetContainer;
import org.gradle.api.tasks.testing.Test;

/**
 * Has the JVMs of every {@code Test} task recorded, and adds the tasks {@code hackleakReport} and
 * {@code hackleakCheck}.
 */
public class HackLeakPlugin implements Plugin<Project> {
  private static final String SUMMARY = "hackleakSummary";
  private static final String SAID = HackLeakPlugin.class.getName();

  @Override
  public void apply(Project project) {
    apply(project, Platform.current());
  }

  static void apply(Project project, Platform platform) {
    HackLeakExtension extension =
        project.getExtensions().create("hackleak", HackLeakExtension.class, project.getObjects());
    Map<Setting, String> properties = properties(project);
    Map<String, String> commandLine =
        new TreeMap<>(project.getGradle().getStartParameter().getProjectProperties());
    Provider<TaskSettings> settings =
        project.provider(() -> new TaskSettings(extension, properties).looking(commandLine));
    File folder = project.getLayout().getBuildDirectory().dir("hackleak").get().getAsFile();
    String unsupported = platform.unsupported().orElse(null);
    TaskSet.each(
        project,
        Test.class,
        test -> {
          say(project, settings, platform.unsupported());
          File out = new File(folder, test.getName());
          test.getInputs()
              .property("hackleak", (Callable<String>) () -> settings.get().fingerprint());
          test.getInputs()
              .files((Callable<Object>) () -> settings.get().files())
              .withPropertyName("hackleak.files")
              .withPathSensitivity(PathSensitivity.NONE);
          if (unsupported == null) {
            test.getOutputs().dir(out).withPropertyName("hackleak.images");
          }
          test.doFirst(new Recording(settings, natives(folder), out, unsupported));
          test.finalizedBy(SUMMARY);
        });
    TaskSet.add(
        project,
        SUMMARY,
        HackLeakSummary.class,
        task -> {
          describe(task, project, settings, folder, unsupported);
          task.setGroup(null);
          task.setDescription("Says how many tests were checked for native leaks.");
          task.mustRunAfter(project.getTasks().withType(Test.class));
          task.getClassPath().from((Callable<Object>) () -> classPaths(project));
          boolean single = project.getRootProject().getAllprojects().size() == 1;
          task.setModule(single ? "" : project.getPath());
        });
    TaskSet.add(
        project,
        "hackleakReport",
        HackLeakReport.class,
        task -> {
          describe(task, project, settings, folder, unsupported);
          task.setDescription("Reports on native memory that was live when test JVMs ended.");
          task.mustRunAfter(project.getTasks().withType(Test.class));
          task.setReports(folder);
        });
    TaskSet.add(
        project,
        "hackleakCheck",
        HackLeakCheck.class,
        task -> {
          describe(task, project, settings, folder, unsupported);
          task.setDescription("Fails if native memory was live when test JVMs ended.");
          task.dependsOn(project.getTasks().withType(Test.class));
        });
    project.getPluginManager().withPlugin("java-base", plugin -> addExtension(project, settings));
  }

  /** What the command line, {@code gradle.properties} or the environment say. */
  private static Map<Setting, String> properties(Project project) {
    Map<Setting, String> found = new EnumMap<>(Setting.class);
    for (Setting setting : Setting.values()) {
      Object value = project.findProperty(setting.property());
      if (value != null && !value.toString().trim().isEmpty()) {
        String text = value.toString().trim();
        found.put(setting, setting.isFile() ? project.file(text).getPath() : text);
      }
    }
    return found;
  }

  private static File natives(File folder) {
    return new File(folder, "native");
  }

  private static List<Object> results(Project project) {
    List<Object> folders = new ArrayList<>();
    for (Test test : project.getTasks().withType(Test.class)) {
      // Where both old and new Gradle write them, unless told otherwise.
      folders.add(
          new File(
              project.getLayout().getBuildDirectory().get().getAsFile(),
              "test-results/" + test.getName()));
    }
    return folders;
  }

  private static List<Object> classPaths(Project project) {
    List<Object> paths = new ArrayList<>();
    for (Test test : project.getTasks().withType(Test.class)) {
      paths.add(test.getClasspath());
    }
    return paths;
  }

  private static void describe(
      RecordedTask task,
      Project project,
      Provider<TaskSettings> settings,
      File folder,
      String unsupported) {
    task.setGroup("verification");
    task.setSettings(settings);
    task.setNatives(natives(folder));
    task.setUnsupported(unsupported);
    task.getResults().from((Callable<Object>) () -> results(project));
    task.getFolders()
        .from(
            (Callable<Object>)
                () -> {
                  List<File> folders = new ArrayList<>();
                  for (String name : project.getTasks().withType(Test.class).getNames()) {
                    folders.add(new File(folder, name));
                  }
                  return folders;
                });
  }

  /** What checks each test lies in hackleak-junit. */
  private static void addExtension(Project project, Provider<TaskSettings> settings) {
    SourceSetContainer sourceSets = (SourceSetContainer) project.property("sourceSets");
    sourceSets.all(
        sourceSet -> {
          if (!sourceSet.getName().equals(SourceSet.MAIN_SOURCE_SET_NAME)
              && !sourceSet.getName().equals("testFixtures")) {
            Configuration runtime =
                project.getConfigurations().getByName(sourceSet.getRuntimeOnlyConfigurationName());
            runtime.withDependencies(
                dependencies -> {
                  if (settings.get().everyTest() && !settings.get().skip()) {
                    dependencies.add(
                        project
                            .getDependencies()
                            .create("dev.hackleak:hackleak-junit:" + NativeFiles.version()));
                  }
                });
          }
        });
  }

  /** Once in a build, however many projects and tasks it has. */
  private static void say(
      Project project, Provider<TaskSettings> settings, Optional<String> unsupported) {
    ExtraPropertiesExtension said = project.getRootProject().getExtensions().getExtraProperties();
    if (unsupported.isPresent() && !settings.get().skip() && !said.has(SAID)) {
      said.set(SAID, Collections.emptyList());
      project.getLogger().warn(unsupported.get());
    }
  }
}
