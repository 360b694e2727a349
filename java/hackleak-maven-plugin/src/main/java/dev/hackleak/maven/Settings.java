package dev.hackleak.maven;

import dev.hackleak.build.NativeFiles;
import dev.hackleak.build.TestJvm;
import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.maven.execution.MavenSession;
import org.apache.maven.model.Plugin;
import org.apache.maven.project.MavenProject;
import org.codehaus.plexus.util.xml.Xpp3Dom;

/**
 * What the plugin's {@code <configuration>} says about one project.
 *
 * <p>Read from the model and not injected, because no goal runs yet when the test JVMs are
 * configured. As for a goal's parameter, the configuration goes before {@code -Dhackleak.NAME}, and
 * that before a property of the project.
 */
final class Settings {
  static final String GROUP = "dev.hackleak";
  static final String PLUGIN = GROUP + ":hackleak-maven-plugin";

  private final MavenProject project;
  private final Xpp3Dom configuration;
  private final Properties user;

  private Settings(MavenProject project, Xpp3Dom configuration, Properties user) {
    this.project = project;
    this.configuration = configuration;
    this.user = user;
  }

  static Settings of(MavenSession session, MavenProject project) {
    Plugin plugin = project.getPlugin(PLUGIN);
    Object given = plugin == null ? null : plugin.getConfiguration();
    Xpp3Dom configuration = given instanceof Xpp3Dom ? (Xpp3Dom) given : null;
    return new Settings(project, configuration, session.getUserProperties());
  }

  boolean skip() {
    return is("skip", false);
  }

  boolean required() {
    return is("required", false);
  }

  boolean everyTest() {
    return is("everyTest", true);
  }

  /** Where the images and reports of a project go. */
  static Path folder(MavenProject project) {
    return Paths.get(project.getBuild().getDirectory(), "hackleak");
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
    TestJvm jvm = new TestJvm(files(project), folder(project));
    for (String name : new String[] {"track", "known"}) {
      String value = text(name);
      if (value != null) {
        jvm.option(name, value);
      }
    }
    String held = text("held");
    if (held != null) {
      jvm.held("<held> (-Dhackleak.held)", held);
    }
    for (String[] file :
        new String[][] {
          {"suppressions", "suppressions"},
          {"baseline", "baseline"},
          {"knownLeaks", "known-leaks"}
        }) {
      String named = text(file[0]);
      if (named != null) {
        jvm.option(file[1], project.getBasedir().toPath().resolve(named).toString());
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

  private boolean is(String name, boolean otherwise) {
    String value = text(name);
    return value == null ? otherwise : Boolean.parseBoolean(value);
  }

  private String text(String name) {
    Xpp3Dom child = configuration == null ? null : configuration.getChild(name);
    String value = child == null ? null : child.getValue();
    if (value == null) {
      value = user.getProperty("hackleak." + name);
    }
    if (value == null) {
      value = project.getProperties().getProperty("hackleak." + name);
    }
    return value == null || value.trim().isEmpty() ? null : value.trim();
  }
}
