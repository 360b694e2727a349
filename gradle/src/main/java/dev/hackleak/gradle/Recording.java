package dev.hackleak.gradle;

import dev.hackleak.build.EarlierRun;
import dev.hackleak.build.NativeFiles;
import dev.hackleak.build.TestJvm;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.gradle.api.Action;
import org.gradle.api.GradleException;
import org.gradle.api.Task;
import org.gradle.api.provider.Provider;
import org.gradle.api.tasks.testing.Test;

/**
 * What a {@code Test} task does first: it unpacks the recorder, forgets the last run, and gives the
 * test JVMs what they need.
 *
 * <p>This is done when the task runs so that what the build script sets itself, whenever it does,
 * goes first. The configuration cache keeps this object; it refers to no part of the build.
 */
final class Recording implements Action<Task> {
  private final Provider<TaskSettings> settings;
  private final File natives;
  private final File out;
  private final String unsupported;

  Recording(Provider<TaskSettings> settings, File natives, File out, String unsupported) {
    this.settings = settings;
    this.natives = natives;
    this.out = out;
    this.unsupported = unsupported;
  }

  @Override
  public void execute(Task task) {
    TaskSettings values = settings.get();
    if (values.skip()) {
      return;
    }
    String unusable = unsupported;
    if (unusable == null) {
      unusable = TestJvm.unusable(out.toPath()).orElse(null);
      if (unusable != null && !values.required()) {
        // That this system is not supported is said when the tests are configured.
        task.getLogger().warn(unusable);
      }
    }
    if (unusable != null) {
      if (values.required()) {
        throw new GradleException(unusable + "; hackleak.required forbids that");
      }
      return;
    }
    try {
      record((Test) task, values);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void record(Test test, TaskSettings values) throws IOException {
    NativeFiles files = NativeFiles.unpack(natives.toPath());
    Object all = test.getEnvironment().get(TestJvm.OPTIONS);
    String inherited = System.getenv(TestJvm.OPTIONS);
    // A task has the build's environment, too, unless it sets its own.
    Object options = all == null || all.toString().equals(inherited) ? null : all;
    values.check(files, options, inherited);
    EarlierRun.remove(out.toPath());
    TestJvm jvm;
    try {
      jvm = values.testJvm(files, out.toPath()).inheriting(inherited);
    } catch (IllegalArgumentException e) {
      throw new GradleException(e.getMessage(), e);
    }
    Object preloaded = test.getEnvironment().get(TestJvm.PRELOAD);
    test.environment(TestJvm.PRELOAD, jvm.preload(preloaded == null ? "" : preloaded.toString()));
    test.environment(
        TestJvm.OPTIONS, options == null ? jvm.optionsText() : jvm.optionsText() + "," + options);
    jvm.systemProperties()
        .forEach(
            (name, value) -> {
              if (!test.getSystemProperties().containsKey(name)) {
                test.systemProperty(name, value);
              }
            });
  }
}
