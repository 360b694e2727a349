package dev.hackleak.gradle;

import dev.hackleak.build.Command;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.gradle.api.DefaultTask;
import org.gradle.api.file.ConfigurableFileCollection;
import org.gradle.api.provider.Provider;
import org.gradle.api.tasks.Input;
import org.gradle.api.tasks.InputFiles;
import org.gradle.api.tasks.Internal;
import org.gradle.api.tasks.Optional;
import org.gradle.api.tasks.PathSensitive;
import org.gradle.api.tasks.PathSensitivity;

/** A task about what the {@code Test} tasks recorded. */
abstract class RecordedTask extends DefaultTask {
  private final ConfigurableFileCollection folders = getProject().files();
  private final ConfigurableFileCollection results = getProject().files();
  private Provider<TaskSettings> settings;
  private File natives;
  private String unsupported;

  /** The folders with images, one for each {@code Test} task. */
  @InputFiles
  @PathSensitive(PathSensitivity.RELATIVE)
  public ConfigurableFileCollection getFolders() {
    return folders;
  }

  /** The folders with test results, one for each {@code Test} task. */
  @Internal
  public ConfigurableFileCollection getResults() {
    return results;
  }

  /** The extension's values. */
  @Internal
  Provider<TaskSettings> getSettings() {
    return settings;
  }

  void setSettings(Provider<TaskSettings> settings) {
    this.settings = settings;
  }

  /** Where the command is, or will be unpacked. */
  @Internal
  public File getNatives() {
    return natives;
  }

  /** Sets where the command is. */
  public void setNatives(File natives) {
    this.natives = natives;
  }

  /** Why nothing is recorded on this system; null if it is. */
  @Input
  @Optional
  public String getUnsupported() {
    return unsupported;
  }

  /** Sets why nothing is recorded. */
  public void setUnsupported(String unsupported) {
    this.unsupported = unsupported;
  }

  /** The images of all folders. */
  List<Path> images() throws IOException {
    List<Path> images = new ArrayList<>();
    for (File folder : folders.getFiles()) {
      images.addAll(Command.images(folder.toPath()));
    }
    return images;
  }
}
