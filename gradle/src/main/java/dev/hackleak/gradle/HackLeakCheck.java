package dev.hackleak.gradle;

import dev.hackleak.build.Command;
import dev.hackleak.build.NativeFiles;
import dev.hackleak.build.Tally;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.gradle.api.GradleException;
import org.gradle.api.tasks.InputFiles;
import org.gradle.api.tasks.PathSensitive;
import org.gradle.api.tasks.PathSensitivity;
import org.gradle.api.tasks.TaskAction;

/**
 * Fails if anything was still live when a test JVM ended, after garbage was collected, that neither
 * a suppression nor the baseline covers.
 */
public class HackLeakCheck extends RecordedTask {
  /** Suppressions and baseline. */
  @InputFiles
  @PathSensitive(PathSensitivity.NONE)
  public List<File> getSettingsFiles() {
    return getSettings().get().files();
  }

  /** Judges. */
  @TaskAction
  public void check() {
    TaskSettings values = getSettings().get();
    if (values.skip()) {
      return;
    }
    try {
      List<Path> images = images();
      if (getUnsupported() == null && images.isEmpty() && !testsRan()) {
        getLogger().lifecycle("hackleak: not checked: no tests ran");
        return;
      }
      if (getUnsupported() != null || images.isEmpty()) {
        String why = getUnsupported() == null ? "no test JVM was recorded" : getUnsupported();
        if (values.required()) {
          throw new GradleException("hackleak: " + why + "; hackleak.required forbids that");
        }
        // That this system is not supported is said when the tests are configured.
        getLogger().lifecycle("hackleak: not checked: nothing was recorded");
        return;
      }
      Command.Result result = new Command(NativeFiles.unpack(getNatives().toPath())).report(images);
      if (result.isClean()) {
        getLogger().lifecycle("hackleak: no leaks in {}", Tally.counted(images.size(), "test JVM"));
        return;
      }
      getLogger().error(result.output());
      throw new GradleException(result.verdict());
    } catch (IOException e) {
      throw new GradleException("hackleak: " + e.getMessage(), e);
    }
  }

  /** A project without tests has no results. */
  private boolean testsRan() {
    for (File folder : getResults().getFiles()) {
      String[] xml = folder.list((parent, name) -> name.startsWith("TEST-"));
      // Gradle writes these wherever the build wants the others.
      File binary = new File(folder, "binary/results.bin");
      if (xml != null && xml.length > 0 || binary.length() > 0) {
        return true;
      }
    }
    return false;
  }
}
