package dev.hackleak.maven;

import dev.hackleak.build.EarlierRun;
import dev.hackleak.build.Platform;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.apache.maven.execution.MavenSession;
import org.apache.maven.plugin.AbstractMojo;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.plugins.annotations.LifecyclePhase;
import org.apache.maven.plugins.annotations.Mojo;
import org.apache.maven.plugins.annotations.Parameter;
import org.apache.maven.project.MavenProject;

/**
 * Unpacks the recorder and the command, refuses settings that cannot be used, and deletes the
 * images and reports of earlier test runs. Bound by the plugin itself.
 */
@Mojo(name = "prepare", defaultPhase = LifecyclePhase.PROCESS_TEST_CLASSES, threadSafe = true)
public final class PrepareMojo extends AbstractMojo {
  /** The project. */
  @Parameter(defaultValue = "${project}", readonly = true, required = true)
  private MavenProject project;

  /** The build. */
  @Parameter(defaultValue = "${session}", readonly = true, required = true)
  private MavenSession session;

  // The participant reads all of these from the model, before a goal runs. They are declared for
  // `mvn help:describe`, for editors, and for Maven, which would call them unknown.

  /** Leaves the tests unrecorded: true or false. */
  @Parameter(property = "hackleak.skip")
  private String skip;

  /** Fails where tests cannot be recorded: true or false. */
  @Parameter(property = "hackleak.required")
  private String required;

  /** Checks every JUnit Jupiter test, as if it had {@code @NoLeaks}; true by default. */
  @Parameter(property = "hackleak.everyTest")
  private String everyTest;

  /** Which allocations are recorded: the option {@code track}. */
  @Parameter(property = "hackleak.track")
  private String track;

  /** What becomes of memory that is live but held: fail, note or ignore. */
  @Parameter(property = "hackleak.held")
  private String held;

  /** What becomes of known leaks of libraries: fail or note. */
  @Parameter(property = "hackleak.known")
  private String known;

  /** A file of leaks that are not reported. */
  @Parameter(property = "hackleak.suppressions")
  private String suppressions;

  /** A file of leaks that are known already. */
  @Parameter(property = "hackleak.baseline")
  private String baseline;

  /** A file of known leaks of libraries. */
  @Parameter(property = "hackleak.knownLeaks")
  private String knownLeaks;

  /** Whether garbage is collected before a leak of a test is reported; true by default. */
  @Parameter(property = "hackleak.settle")
  private String settle;

  /** How long that may take. */
  @Parameter(property = "hackleak.settleLimitMillis")
  private String settleLimitMillis;

  /** How many rounds of each test count, 1 to 64. */
  @Parameter(property = "hackleak.repeat")
  private String repeat;

  /** How many rounds of each test come before those. */
  @Parameter(property = "hackleak.warmup")
  private String warmup;

  /** How many bytes each site may leak in a test. */
  @Parameter(property = "hackleak.allowBytes")
  private String allowBytes;

  /** How many blocks each site may leak in a test. */
  @Parameter(property = "hackleak.allowBlocks")
  private String allowBlocks;

  /**
   * The kinds that count in a test: new, malloc, jni, unsafe, pool, fd, mmap, zip, thread, attach,
   * module.
   */
  @Parameter(property = "hackleak.kinds")
  private List<String> kinds;

  /** Patterns of leaks that do not count in a test. */
  @Parameter(property = "hackleak.suppress")
  private List<String> suppress;

  /** What is checked: each test or each class. */
  @Parameter(property = "hackleak.per")
  private String per;

  /** The formats of the report, as {@code hackleak report --format} has them. */
  @Parameter(property = "hackleak.formats")
  private List<String> formats;

  /** More options of the recorder, an element each. */
  @Parameter private Map<String, String> options;

  @Override
  public void execute() throws MojoExecutionException {
    TestResults.areToCome(project);
    PluginConfiguration settings = PluginConfiguration.of(session, project);
    if (settings.skip() || PluginConfiguration.unusable(project, Platform.current()).isPresent()) {
      return;
    }
    try {
      settings.check(PluginConfiguration.unpack(project));
      settings.tell();
      EarlierRun.remove(PluginConfiguration.folder(project));
    } catch (IOException e) {
      throw new MojoExecutionException(e.getMessage(), e);
    }
  }
}
