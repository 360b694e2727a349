package dev.hackleak.gradle;

import org.gradle.api.Action;
import org.gradle.api.Project;
import org.gradle.api.Task;
import org.gradle.util.GradleVersion;

/** Tasks, configured when they are needed where Gradle can do that, which is from 4.9 on. */
final class TaskSet {
  private static final boolean LAZY =
      GradleVersion.current().compareTo(GradleVersion.version("4.9")) >= 0;

  private TaskSet() {}

  static <T extends Task> void each(Project project, Class<T> type, Action<? super T> action) {
    if (LAZY) {
      project.getTasks().withType(type).configureEach(action);
    } else {
      project.getTasks().withType(type).all(action);
    }
  }

  static <T extends Task> void add(
      Project project, String name, Class<T> type, Action<? super T> action) {
    if (LAZY) {
      project.getTasks().register(name, type, action);
    } else {
      project.getTasks().create(name, type, action);
    }
  }
}
