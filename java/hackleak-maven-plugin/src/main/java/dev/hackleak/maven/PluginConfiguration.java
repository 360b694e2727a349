package dev.hackleak.maven;

import dev.hackleak.build.Command;
import dev.hackleak.build.NativeFiles;
import dev.hackleak.build.Platform;
import dev.hackleak.build.Setting;
import dev.hackleak.build.SettingsCheck;
import dev.hackleak.build.TestJvm;
import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import org.apache.maven.execution.MavenSession;
import org.apache.maven.model.Plugin;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.project.MavenProject;
import org.codehaus.plexus.util.xml.Xpp3Dom;

/**
 * What the plugin's {@code <configuration>} says about one project.
 *
 * <p>Read from the model and not injected, because no goal runs yet when the test JVMs are
 * configured. As for a goal's parameter, the configuration goes before {@code -Dhackleak.NAME}, and
 * that before a property of the project.
 */
final class PluginConfiguration {
  static final String GROUP = "dev.hackleak";
  static final String PLUGIN = GROUP + ":hackleak-maven-plugin";

  private final MavenProject project;
  private final Xpp3Dom configuration;
  private final Properties user;

  /** The recorder's options that Maven was started with, or null. */
  private final String environment;

  private PluginConfiguration(MavenSession session, MavenProject project, Xpp3Dom configuration) {
    this.project = project;
    this.configuration = configuration;
    user = session.getUserProperties();
    environment = session.getSystemProperties().getProperty("env." + TestJvm.OPTIONS);
  }

  static PluginConfiguration of(MavenSession session, MavenProject project) {
    Plugin plugin = project.getPlugin(PLUGIN);
    Object given = plugin == null ? null : plugin.getConfiguration();
    Xpp3Dom configuration = given instanceof Xpp3Dom ? (Xpp3Dom) given : null;
    return new PluginConfiguration(session, project, configuration);
  }

  boolean skip() {
    return is(Setting.SKIP, false);
  }

  boolean required() {
    return is(Setting.REQUIRED, false);
  }

  boolean everyTest() {
    return is(Setting.EVERY_TEST, true);
  }

  /** Where the images and reports of a project go. */
  static Path folder(MavenProject project) {
    return Paths.get(project.getBuild().getDirectory(), "hackleak");
  }

  /** Why the tests of a project cannot be recorded, if that is so. */
  static Optional<String> unusable(MavenProject project, Platform platform) {
    Optional<String> unsupported = platform.unsupported();
    return unsupported.isPresent() ? unsupported : TestJvm.unusable(folder(project));
  }

  /** Where the recorder and the command are, or will be. */
  static NativeFiles files(MavenProject project) throws IOException {
    return NativeFiles.in(folder(project).resolve("native"));
  }

  /** Unpacks them. */
  static NativeFiles unpack(MavenProject project) throws IOException {
    return NativeFiles.unpack(folder(project).resolve("native"));
  }

  /** How the test JVMs of the project are started. */
  TestJvm testJvm() throws IOException {
    TestJvm jvm = new TestJvm(files(project), folder(project)).inheriting(environment);
    for (Setting setting : Setting.values()) {
      String value = text(setting);
      if (value == null) {
        continue;
      }
      setting.option().ifPresent(option -> jvm.option(option, value));
      if (setting.isOfTests()) {
        jvm.ofTests(setting, value);
      }
    }
    options().forEach(jvm::option);
    if (required()) {
      jvm.required();
    }
    if (everyTest()) {
      jvm.everyTest();
    }
    return jvm;
  }

  /**
   * Refuses what cannot be used, in the names that the build has for it.
   *
   * @throws MojoExecutionException with a sentence for each mistake
   */
  void check(NativeFiles files) throws IOException, MojoExecutionException {
    SettingsCheck check = new SettingsCheck();
    Names.check(project, user, check);
    for (Setting setting : Setting.values()) {
      String value = text(setting);
      if (value != null) {
        check.add(where(setting.key()), setting, value);
      }
    }
    options()
        .forEach((option, value) -> check.option("<" + option + "> in <options>", option, value));
    // Maven has copied the plugin's configuration into each execution.
    Set<String> configured = new LinkedHashSet<>();
    for (Xpp3Dom given : Names.configurations(project)) {
      configured.addAll(values(given.getChild("formats"), ","));
    }
    configured.forEach(format -> check.format("<formats>", format));
    String formats = property("hackleak.formats");
    if (formats != null) {
      for (String format : formats.split(",")) {
        check.format("hackleak.formats", format);
      }
    }
    if (environment != null) {
      check.options(TestJvm.OPTIONS + " of the environment", environment);
    }
    TestJvm jvm = testJvm();
    for (Plugin plugin : project.getBuild().getPlugins()) {
      TestPlugin.of(plugin).ifPresent(testPlugin -> testPlugin.check(jvm, check));
    }
    List<String> wrong = check.wrong(new Command(files));
    if (!wrong.isEmpty()) {
      throw new MojoExecutionException(String.join("\n", wrong));
    }
  }

  /** Sets properties for what starts tests and is not known to the plugin. */
  void tell() throws IOException {
    project.getProperties().setProperty("hackleak.library", files(project).library().toString());
    project.getProperties().setProperty("hackleak.options", testJvm().optionsText());
  }

  /** What the build calls the setting, where its value comes from. */
  private String where(String name) {
    if (configured(name) != null) {
      return "<" + name + ">";
    }
    String property = Setting.PREFIX + name;
    return user.getProperty(property) != null ? "-D" + property : "<" + property + ">";
  }

  private Map<String, String> options() {
    Map<String, String> options = new LinkedHashMap<>();
    Xpp3Dom given = configuration == null ? null : configuration.getChild("options");
    if (given != null) {
      for (Xpp3Dom option : given.getChildren()) {
        options.put(option.getName(), option.getValue() == null ? "" : option.getValue().trim());
      }
    }
    return options;
  }

  private boolean is(Setting setting, boolean otherwise) {
    String value = text(setting);
    return value == null ? otherwise : Boolean.parseBoolean(value);
  }

  private String text(Setting setting) {
    String value = configured(setting.key());
    if (value == null) {
      value = property(setting.property());
    }
    if (value == null || value.trim().isEmpty()) {
      return null;
    }
    return setting.isFile()
        ? project.getBasedir().toPath().resolve(value.trim()).toString()
        : value.trim();
  }

  /** Of the command line, or else of the project. */
  String property(String name) {
    String value = user.getProperty(name);
    return value == null ? project.getProperties().getProperty(name) : value;
  }

  private String configured(String name) {
    Xpp3Dom child = configuration == null ? null : configuration.getChild(name);
    if (child != null && child.getChildCount() > 0) {
      return String.join(TestJvm.LIST_SEPARATOR, values(child, TestJvm.LIST_SEPARATOR));
    }
    return child == null ? null : child.getValue();
  }

  /** The values of a list, which Maven takes as elements or as a text. */
  private static List<String> values(Xpp3Dom list, String separator) {
    List<String> values = new ArrayList<>();
    if (list != null && list.getChildCount() > 0) {
      for (Xpp3Dom child : list.getChildren()) {
        values.add(child.getValue() == null ? "" : child.getValue().trim());
      }
    } else if (list != null && list.getValue() != null) {
      for (String value : list.getValue().split(separator)) {
        values.add(value.trim());
      }
    }
    return values;
  }
}
