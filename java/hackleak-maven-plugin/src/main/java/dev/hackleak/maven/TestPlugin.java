package dev.hackleak.maven;

import dev.hackleak.build.SettingsCheck;
import dev.hackleak.build.TestJvm;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.maven.model.ConfigurationContainer;
import org.apache.maven.model.Plugin;
import org.codehaus.plexus.util.xml.Xpp3Dom;

/**
 * Surefire or Failsafe in a project's model.
 *
 * <p>Maven has merged a plugin's configuration into its executions by now, and a goal that is
 * called by name reads the plugin's own; so both are changed, and what the build sets itself stays.
 */
final class TestPlugin {
  private static final List<String> KEYS =
      Arrays.asList(
          "org.apache.maven.plugins:maven-surefire-plugin",
          "org.apache.maven.plugins:maven-failsafe-plugin");

  private static final String VARIABLES = "environmentVariables";

  private final Plugin plugin;

  private TestPlugin(Plugin plugin) {
    this.plugin = plugin;
  }

  /** The plugin, if it is one of both. */
  static Optional<TestPlugin> of(Plugin plugin) {
    return KEYS.contains(plugin.getKey()) ? Optional.of(new TestPlugin(plugin)) : Optional.empty();
  }

  /** Whether somebody who calls this runs tests and no goal before them. */
  static boolean isGoal(String goal) {
    return goal.contains("surefire") && goal.contains(":test")
        || goal.contains("failsafe") && goal.contains(":integration-test");
  }

  /**
   * Whether tests run in JVMs of their own.
   *
   * @param settings with the properties that count where the test plugin is told nothing
   */
  boolean forks(PluginConfiguration settings) {
    return forks(plugin, settings)
        && plugin.getExecutions().stream().allMatch(execution -> forks(execution, settings));
  }

  private static boolean forks(ConfigurationContainer container, PluginConfiguration settings) {
    return !"0".equals(value(container, "forkCount", settings))
        && !"never".equals(value(container, "forkMode", settings));
  }

  private static String value(
      ConfigurationContainer container, String name, PluginConfiguration settings) {
    String value = value((Xpp3Dom) container.getConfiguration(), name);
    String property = value == null ? settings.property(name) : value;
    return property == null ? null : property.trim();
  }

  /** What its own configuration has there, and those of its executions. */
  Set<String> values(String... path) {
    Set<String> values = new LinkedHashSet<>();
    add(values, plugin, path);
    plugin.getExecutions().forEach(execution -> add(values, execution, path));
    return values;
  }

  private static void add(Set<String> values, ConfigurationContainer container, String... path) {
    Xpp3Dom at = (Xpp3Dom) container.getConfiguration();
    for (int i = 0; i < path.length - 1 && at != null; i++) {
      at = at.getChild(path[i]);
    }
    String value = value(at, path[path.length - 1]);
    if (value != null) {
      values.add(value);
    }
  }

  /** Has the tests recorded. */
  void record(TestJvm jvm) {
    record(plugin, jvm);
    plugin.getExecutions().forEach(execution -> record(execution, jvm));
  }

  /**
   * Has the recorder's options checked that its own configuration has.
   *
   * @param jvm what they were added to
   */
  void check(TestJvm jvm, SettingsCheck check) {
    Set<String> own = new LinkedHashSet<>();
    own.add(own(plugin, jvm));
    plugin.getExecutions().forEach(execution -> own.add(own(execution, jvm)));
    own.remove("");
    own.forEach(options -> check.options("<" + TestJvm.OPTIONS + "> of " + this, options));
  }

  private static String own(ConfigurationContainer container, TestJvm jvm) {
    Xpp3Dom configuration = (Xpp3Dom) container.getConfiguration();
    Xpp3Dom variables = configuration == null ? null : configuration.getChild(VARIABLES);
    String all = value(variables, TestJvm.OPTIONS);
    if (all == null || all.equals(jvm.optionsText())) {
      return "";
    }
    String ours = jvm.optionsText() + ",";
    return all.startsWith(ours) ? all.substring(ours.length()) : all;
  }

  private static void record(ConfigurationContainer container, TestJvm jvm) {
    Xpp3Dom given = (Xpp3Dom) container.getConfiguration();
    Xpp3Dom changed = given == null ? new Xpp3Dom("configuration") : new Xpp3Dom(given);
    Xpp3Dom variables = child(changed, VARIABLES);
    String preloaded = value(variables, TestJvm.PRELOAD);
    set(
        variables,
        TestJvm.PRELOAD,
        jvm.preload(preloaded == null ? System.getenv(TestJvm.PRELOAD) : preloaded));
    String options = value(variables, TestJvm.OPTIONS);
    set(
        variables,
        TestJvm.OPTIONS,
        options == null ? jvm.optionsText() : jvm.optionsText() + "," + options);
    Xpp3Dom properties = child(changed, "systemPropertyVariables");
    jvm.systemProperties()
        .forEach(
            (name, value) -> {
              if (properties.getChild(name) == null) {
                set(properties, name, value);
              }
            });
    container.setConfiguration(changed);
  }

  private static Xpp3Dom child(Xpp3Dom parent, String name) {
    if (parent.getChild(name) == null) {
      parent.addChild(new Xpp3Dom(name));
    }
    return parent.getChild(name);
  }

  private static void set(Xpp3Dom parent, String name, String value) {
    child(parent, name).setValue(value);
  }

  private static String value(Xpp3Dom parent, String name) {
    Xpp3Dom child = parent == null ? null : parent.getChild(name);
    String value = child == null || child.getValue() == null ? "" : child.getValue().trim();
    return value.isEmpty() ? null : value;
  }

  @Override
  public String toString() {
    return plugin.getArtifactId();
  }
}
