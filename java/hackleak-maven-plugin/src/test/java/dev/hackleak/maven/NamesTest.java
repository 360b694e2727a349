package dev.hackleak.maven;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import org.codehaus.plexus.util.xml.Xpp3Dom;
import org.codehaus.plexus.util.xml.Xpp3DomBuilder;
import org.junit.jupiter.api.Test;

class NamesTest extends Projects {
  private void refuses(String configuration, String... sentences) throws Exception {
    hackleak.setConfiguration(xml(configuration));
    String all = refused();
    assertEquals(sentences.length, all.isEmpty() ? 0 : all.split("\n").length, all);
    for (int i = 0; i < sentences.length; i++) {
      assertTrue(all.split("\n")[i].contains(sentences[i]), all);
    }
  }

  @Test
  void eachMistakeIsOneSentence() throws Exception {
    refuses(
        "<suppresions>a.txt</suppresions>",
        "hackleak: <suppresions> cannot be used: it is no element of the plugin: did you mean"
            + " <suppressions>?");
    refuses("<coverage>1</coverage>", "use one of allowBlocks, allowBytes, baseline");
    refuses("<options><depht>1</depht></options>", "<depht> in <options> cannot be used: option");
    refuses("<options>depth=1</options>", "<options> cannot be used: write each option as an");
    refuses("<held><choice>note</choice></held>", "<held> cannot be used: it has a text");
    refuses("<formats><format>htm</format></formats>", "<formats> cannot be used: `htm` is no");
    refuses("<formats>json,htm</formats>", "`htm` is no");
    refuses("<skip>ture</skip>", "<skip> cannot be used: it is true or false");
    refuses("<suppressions>a.txt</suppressions>", folder + "/a.txt");
    refuses("<kinds><kind>new</kind><kind>neu</kind></kinds>", "<kinds> cannot be used: `neu`");
    refuses("<kinds><kind>new</kind></kinds><repeat>2</repeat><formats>json,html</formats>");
  }

  @Test
  void propertiesAreLookedAtAndOthersAreTheBuildsOwn() throws Exception {
    project.getProperties().setProperty("hackleak.version", "1");
    project.getProperties().setProperty("hackleak.jar.folder", "x");
    assertEquals("", refused());
    project.getProperties().setProperty("hackleak.supressions", "x");
    assertEquals(
        "hackleak: <hackleak.supressions> cannot be used: there is no such property: did you mean"
            + " hackleak.suppressions?",
        refused());
    project.getProperties().remove("hackleak.supressions");
    project.getProperties().setProperty("hackleak.everyTest", "yes");
    assertTrue(refused().startsWith("hackleak: <hackleak.everyTest> cannot be used"), refused());
  }

  /** A parameter that is missing there is unknown to editors, and to Maven 3.9, which warns. */
  @Test
  void theDescriptorHasAllElements() throws Exception {
    Xpp3Dom plugin;
    try (Reader in =
        new InputStreamReader(
            getClass().getResourceAsStream("/META-INF/maven/plugin.xml"), StandardCharsets.UTF_8)) {
      plugin = Xpp3DomBuilder.build(in);
    }
    Set<String> declared = new TreeSet<>();
    for (Xpp3Dom mojo : plugin.getChild("mojos").getChildren()) {
      if (!mojo.getChild("goal").getValue().equals("help")) {
        for (Xpp3Dom parameter : mojo.getChild("parameters").getChildren()) {
          if (parameter.getChild("editable").getValue().equals("true")) {
            declared.add(parameter.getChild("name").getValue());
          }
        }
      }
    }
    assertEquals(Names.elements(), declared);
  }

  @Test
  void optionsOfTheRecorderAreNoProperties() throws Exception {
    user.setProperty("hackleak.strict", "true");
    user.setProperty("hackleak.options", "depth=1,held=fail");
    project.getProperties().setProperty("hackleak.depth", "the build's own");
    project.getProperties().setProperty("hackleak.junit.all", "true");
    assertEquals(
        Arrays.asList(
            "hackleak: <hackleak.junit.all> cannot be used: there is no such property: write"
                + " hackleak.everyTest",
            "hackleak: -Dhackleak.options cannot be used: there is no such property: write"
                + " <options><depth>1</depth><held>fail</held></options>, or in the environment"
                + " HACKLEAK_OPTIONS=depth=1,held=fail",
            "hackleak: -Dhackleak.strict cannot be used: there is no such property: write"
                + " <options><strict>true</strict></options>, or in the environment"
                + " HACKLEAK_OPTIONS=strict=true"),
        Arrays.asList(refused().split("\n")));
  }
}
