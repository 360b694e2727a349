package dev.hackleak.spark;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.concurrent.Callable;

/** Where the driver writes its report: a folder of its host, one of Hadoop's, or both. */
final class ReportFolder {
  private final Conf conf;
  private final Path local;
  private final HadoopFolder elsewhere;

  private ReportFolder(Conf conf, Path local, HadoopFolder elsewhere) {
    this.conf = conf;
    this.local = local;
    this.elsewhere = elsewhere;
  }

  /** If a folder of Hadoop's cannot be opened, that is said, and the one of the host is used. */
  static ReportFolder of(Conf conf) {
    return of(conf, () -> HadoopFolder.open(Setting.OUT.of(conf), conf));
  }

  /** The same; a folder that does not open in time cannot be opened. */
  static ReportFolder of(Conf conf, Callable<HadoopFolder> opened) {
    String out = Setting.OUT.of(conf);
    String local = Setting.LOCAL_OUT.of(conf);
    if (!HadoopFolder.isOne(out)) {
      return new ReportFolder(conf, Paths.get(out).toAbsolutePath(), null);
    }
    try {
      Path also = local.isEmpty() ? null : Paths.get(local).toAbsolutePath();
      return new ReportFolder(conf, also, Deadline.of(Setting.WAIT_MILLIS, conf).call(opened));
    } catch (IOException | RuntimeException | LinkageError e) {
      String instead = local.isEmpty() ? Setting.OUT.otherwise() : local;
      Say.line(
          "the report goes to "
              + instead
              + ", because "
              + Setting.OUT.key()
              + "="
              + out
              + " cannot be opened: "
              + Say.why(e));
      return new ReportFolder(conf, Paths.get(instead).toAbsolutePath(), null);
    }
  }

  /** The folder of this host, or null if nothing is to stay here. */
  Path local() {
    return local;
  }

  /** The folder of Hadoop's, or null. */
  HadoopFolder elsewhere() {
    return elsewhere;
  }

  /**
   * Writes the report.
   *
   * @return where it is or why it is not there, for people, each after the end of a line
   */
  String write(String name, String text, String json) {
    StringBuilder said = new StringBuilder();
    if (elsewhere != null) {
      try {
        Deadline.of(Setting.WAIT_MILLIS, conf)
            .call(
                () -> {
                  elsewhere.write(name + ".txt", text + "\n");
                  elsewhere.write(name + ".json", json);
                  return null;
                });
        said.append("\nreport: ").append(elsewhere.name(name + ".json"));
      } catch (IOException | RuntimeException | LinkageError e) {
        said.append(not(Setting.OUT, e));
      }
    }
    if (local != null) {
      try {
        Files.createDirectories(local);
        write(local.resolve(name + ".txt"), text + "\n");
        Path file = local.resolve(name + ".json");
        write(file, json);
        said.append("\nreport: ").append(file);
      } catch (IOException | RuntimeException e) {
        said.append(not(elsewhere == null ? Setting.OUT : Setting.LOCAL_OUT, e));
      }
    }
    return said.toString();
  }

  /** Gives back what the folder needs; nothing can be written any more. */
  void close() {
    if (elsewhere == null) {
      return;
    }
    try {
      Deadline.of(Setting.SEND_LIMIT_MILLIS, conf)
          .call(
              () -> {
                elsewhere.close();
                return null;
              });
    } catch (IOException | RuntimeException | LinkageError e) {
      // It is closed with the process.
    }
  }

  private static String not(Setting setting, Throwable why) {
    return "\nthe report cannot be written, see " + setting.key() + ": " + Say.why(why);
  }

  private static void write(Path file, String text) throws IOException {
    Files.write(file, text.getBytes(StandardCharsets.UTF_8));
  }
}
