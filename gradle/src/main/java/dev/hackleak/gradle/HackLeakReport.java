package dev.hackleak.gradle;

import dev.hackleak.build.Command;
import dev.hackleak.build.NativeFiles;
import dev.hackleak.build.Reports;
import dev.hackleak.build.Tally;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.gradle.api.GradleException;
import org.gradle.api.tasks.Input;
import org.gradle.api.tasks.Internal;
import org.gradle.api.tasks.OutputFiles;
import org.gradle.api.tasks.TaskAction;

/** Writes {@code build/hackleak/report.json} and so on; fails on no leak. */
public class HackLeakReport extends RecordedTask {
  private File reports;

  /** The formats, as {@code hackleak report --format} has them. */
  @Input
  public List<String> getFormats() {
    return getSettings().get().formats();
  }

  /** The folder of the reports. */
  @Internal
  public File getReports() {
    return reports;
  }

  /** Sets the folder of the reports. */
  public void setReports(File reports) {
    this.reports = reports;
  }

  /** The reports. */
  @OutputFiles
  public List<File> getReportFiles() {
    List<File> files = new ArrayList<>();
    for (String format : getFormats()) {
      files.add(Reports.file(reports.toPath(), "report", format).toFile());
    }
    return files;
  }

  /** Writes them. */
  @TaskAction
  public void report() {
    try {
      if (getUnsupported() != null) {
        // The command does not run there either.
        getLogger().lifecycle("hackleak: nothing was recorded");
        return;
      }
      NativeFiles files = NativeFiles.unpack(getNatives().toPath());
      getSettings().get().check(files, null, null);
      List<Path> images = images();
      if (images.isEmpty()) {
        getLogger().lifecycle("hackleak: nothing was recorded");
        return;
      }
      Reports.write(new Command(files), images, reports.toPath(), "report", getFormats());
      String jvms = Tally.counted(images.size(), "test JVM");
      getLogger().lifecycle("hackleak: reports of {} are in {}", jvms, reports);
    } catch (IOException e) {
      throw new GradleException("hackleak: " + e.getMessage(), e);
    }
  }
}
