package dev.hackleak.gradle;

import dev.hackleak.build.Command;
import dev.hackleak.build.NativeFiles;
import dev.hackleak.build.Tally;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import org.gradle.api.file.ConfigurableFileCollection;
import org.gradle.api.tasks.Internal;
import org.gradle.api.tasks.TaskAction;

/** Says after the tests of a project, in one line, how many were checked and leaked. */
// Newer compilers doubt the call of getProject(), which Gradle has ready before any field.
@SuppressWarnings("this-escape")
public class HackLeakSummary extends RecordedTask {
  private final ConfigurableFileCollection classPath = getProject().files();
  private String module = "";

  /** What the tests run with. */
  @Internal
  public ConfigurableFileCollection getClassPath() {
    return classPath;
  }

  /** The project's name among several; empty for a single one. */
  @Internal
  public String getModule() {
    return module;
  }

  /** Sets the project's name. */
  public void setModule(String module) {
    this.module = module;
  }

  /** Says it. */
  @TaskAction
  public void say() {
    TaskSettings values = getSettings().get();
    if (values.skip() || getUnsupported() != null) {
      return;
    }
    try {
      List<Path> images = images();
      Tally tally = new Tally();
      if (!images.isEmpty()) {
        tally.addImages(new Command(NativeFiles.unpack(getNatives().toPath())), images);
      }
      List<String> jars = new ArrayList<>();
      for (File file : classPath.getFiles()) {
        jars.add(file.getName());
      }
      String reason = Tally.reason(values.everyTest(), jars);
      for (File folder : getResults().getFiles()) {
        tally.addResults(folder.toPath(), FileTime.fromMillis(0), reason);
      }
      if (!tally.isEmpty()) {
        getLogger().lifecycle(tally.line(module));
      }
    } catch (IOException e) {
      getLogger().warn("hackleak: {}", e.getMessage());
    }
  }
}
