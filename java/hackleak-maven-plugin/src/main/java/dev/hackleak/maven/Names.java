package dev.hackleak.maven;

import dev.hackleak.build.PropertyNames;
import dev.hackleak.build.Setting;
import dev.hackleak.build.SettingsCheck;
import dev.hackleak.build.Similar;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.maven.model.Plugin;
import org.apache.maven.model.PluginExecution;
import org.apache.maven.project.MavenProject;
import org.codehaus.plexus.util.xml.Xpp3Dom;

/**
 * Whether a build has the names of the plugin's elements and properties right. Maven passes over
 * what it does not know.
 */
final class Names {
  private static final String FORMATS = "formats";
  private static final String OPTIONS = "options";

  private Names() {}

  /** The elements of the configuration. */
  static Set<String> elements() {
    Set<String> names =
        Arrays.stream(Setting.values())
            .map(Setting::key)
            .collect(Collectors.toCollection(TreeSet::new));
    names.add(FORMATS);
    names.add(OPTIONS);
    return names;
  }

  /** The plugin's own configuration, and those of its executions. */
  static List<Xpp3Dom> configurations(MavenProject project) {
    List<Xpp3Dom> found = new ArrayList<>();
    Plugin plugin = project.getPlugin(PluginConfiguration.PLUGIN);
    if (plugin != null) {
      add(found, plugin.getConfiguration());
      for (PluginExecution execution : plugin.getExecutions()) {
        add(found, execution.getConfiguration());
      }
    }
    return found;
  }

  private static void add(List<Xpp3Dom> found, Object configuration) {
    if (configuration instanceof Xpp3Dom) {
      found.add((Xpp3Dom) configuration);
    }
  }

  /** Refuses elements that are not known, and properties that are nearly known. */
  static void check(MavenProject project, Properties user, SettingsCheck check) {
    Set<String> seen = new TreeSet<>();
    for (Xpp3Dom configuration : configurations(project)) {
      for (Xpp3Dom element : configuration.getChildren()) {
        String why = wrong(element);
        if (why != null && seen.add(element.getName())) {
          check.refuse("<" + element.getName() + ">", why);
        }
      }
    }
    check(user, "-D%s", check);
    check(project.getProperties(), "<%s>", check);
    for (String property : new TreeSet<>(user.stringPropertyNames())) {
      PropertyNames.option(property, user.getProperty(property), Names::options)
          .ifPresent(why -> check.refuse("-D" + property, why));
    }
  }

  /** How a build has the recorder's options {@code key=value,…}. */
  private static String options(String text) {
    StringBuilder elements = new StringBuilder("<options>");
    for (String option : text.split(",")) {
      String[] parts = option.trim().split("=", 2);
      String value = parts.length < 2 ? "" : parts[1];
      elements.append(String.format("<%1$s>%2$s</%1$s>", parts[0], value));
    }
    return elements.append("</options>").toString();
  }

  private static String wrong(Xpp3Dom element) {
    String name = element.getName();
    if (!elements().contains(name)) {
      return Similar.to(name, elements())
          .map(meant -> "it is no element of the plugin: did you mean <" + meant + ">?")
          .orElse("it is no element of the plugin: use one of " + String.join(", ", elements()));
    }
    boolean list = name.equals(FORMATS) || Setting.of(name).map(Setting::isList).orElse(false);
    boolean map = name.equals(OPTIONS);
    if (map && element.getChildCount() == 0 && !isBlank(element.getValue())) {
      return "write each option as an element in it, such as <options><depth>50</depth></options>";
    }
    if (!map && !list && element.getChildCount() > 0) {
      return "it has a text, not elements such as <" + element.getChild(0).getName() + ">";
    }
    for (Xpp3Dom child : element.getChildren()) {
      if (child.getChildCount() > 0) {
        return "<" + child.getName() + "> in it has a text, and no elements";
      }
    }
    return null;
  }

  private static boolean isBlank(String text) {
    return text == null || text.trim().isEmpty();
  }

  private static void check(Properties properties, String form, SettingsCheck check) {
    for (String property : new TreeSet<>(properties.stringPropertyNames())) {
      PropertyNames.misspelt(property, elements())
          .ifPresent(why -> check.refuse(String.format(form, property), why));
    }
  }
}
