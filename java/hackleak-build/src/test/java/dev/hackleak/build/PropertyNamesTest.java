package dev.hackleak.build;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PropertyNamesTest {
  private static final Collection<String> NONE = Collections.emptySet();

  private static String option(String property, String value) {
    return PropertyNames.option(property, value, text -> "<" + text + ">").orElse("");
  }

  @Test
  void anOptionIsNoProperty() {
    assertEquals(
        "there is no such property: write <strict=true>, or in the environment"
            + " HACKLEAK_OPTIONS=strict=true",
        option("hackleak.strict", "true"));
    assertTrue(option("hackleak.invalidFrees", "fail").contains("<invalid-frees=fail>"));
    assertTrue(option("hackleak.options", "depth=1,held=fail").contains("<depth=1,held=fail>"));
    for (String other : Arrays.asList("hackleak.held", "hackleak.repeat", "strict", "my.depth")) {
      assertEquals("", option(other, "1"));
    }
    assertEquals(Optional.empty(), PropertyNames.misspelt("hackleak.strict", NONE));
  }

  @Test
  void whatHasAnotherNameIsTold() {
    assertEquals(
        Optional.of("there is no such property: write hackleak.everyTest"),
        PropertyNames.misspelt("hackleak.junit.all", NONE));
    assertEquals(
        Optional.of("there is no such property: did you mean hackleak.suppressions?"),
        PropertyNames.misspelt("hackleak.supressions", NONE));
    assertEquals(
        Optional.of("there is no such property: did you mean hackleak.formats?"),
        PropertyNames.misspelt("hackleak.format", Collections.singleton("formats")));
    for (String right : Arrays.asList("hackleak.held", "hackleak.home", "hackleak.jar.folder")) {
      assertEquals(Optional.empty(), PropertyNames.misspelt(right, NONE));
    }
  }

  /** So that an option that comes later is not forgotten here. */
  @Test
  void theOptionsAreThoseOfTheRecorder(@TempDir Path natives) throws Exception {
    Command command = new Command(NativeFiles.unpack(natives));
    List<String> wrong = new SettingsCheck().option("it", "no-such", "1").wrong(command);
    String all = wrong.get(0).substring(wrong.get(0).indexOf("use one of ") + 11);
    TreeSet<String> known = new TreeSet<>(PropertyNames.OPTIONS);
    for (Setting setting : Setting.values()) {
      setting.option().ifPresent(known::add);
    }
    assertEquals(known, new TreeSet<>(Arrays.asList(all.split(", "))));
  }
}
