package dev.hackleak.build;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SettingsCheckTest {
  @TempDir static Path natives;
  private static Command command;

  @TempDir Path folder;
  private final SettingsCheck check = new SettingsCheck();

  @BeforeAll
  static void unpack() throws IOException {
    command = new Command(NativeFiles.unpack(natives));
  }

  private Path write(String content) throws IOException {
    return Files.write(folder.resolve("file"), content.getBytes(StandardCharsets.UTF_8));
  }

  private void refused(Setting setting, String value, String... parts) throws IOException {
    List<String> wrong = new SettingsCheck().add("<it>", setting, value).wrong(command);
    assertEquals(1, wrong.size(), wrong::toString);
    assertTrue(wrong.get(0).startsWith("hackleak: <it> cannot be used: "), wrong::toString);
    for (String part : parts) {
      assertTrue(wrong.get(0).contains(part), wrong::toString);
    }
  }

  @Test
  void whatCanBeUsedPasses() throws Exception {
    Path rules = write("# ours\nleak:a\n");
    check
        .add("a", Setting.SKIP, "false")
        .add("b", Setting.TRACK, "new+jni")
        .add("c", Setting.HELD, "ignore")
        .add("d", Setting.SUPPRESSIONS, rules.toString())
        .add("e", Setting.REPEAT, "64")
        .add("f", Setting.WARMUP, "0")
        .add("g", Setting.KINDS, "NEW, jni;pool")
        .add("h", Setting.PER, "CLASS")
        .add("i", Setting.SUPPRESS, "std::map<int, int>;x")
        .option("j", "depth", "5")
        .options("k", "strict=true,exit=off")
        .format("l", " sarif");
    assertEquals(Collections.emptyList(), check.wrong(command));
  }

  @Test
  void aWrongValueIsToldWithTheElementAndTheRemedy() throws Exception {
    refused(Setting.EVERY_TEST, "ture", "true or false", "\"ture\"");
    refused(Setting.TRACK, "new+mallok", "mallok", "new, malloc, jni, unsafe");
    refused(Setting.HELD, "warn", "fail, note, ignore");
    refused(Setting.KNOWN, "ignore", "fail, note");
    refused(Setting.REPEAT, "0", "1 to 64");
    refused(Setting.REPEAT, "65", "1 to 64");
    refused(Setting.WARMUP, "-1", "0 or more");
    refused(Setting.ALLOW_BYTES, "1k", "a number", "\"1k\"");
    refused(Setting.KINDS, "new;neu", "`neu` is no kind");
    refused(Setting.PER, "method", "test or class");
  }

  @Test
  void aFileThatIsMissingOrNoneOfItsKindIsTold() throws Exception {
    String missing = folder.resolve("missing").toString();
    String wrong = write("lek:a\n").toString();
    for (Setting setting :
        new Setting[] {Setting.SUPPRESSIONS, Setting.BASELINE, Setting.KNOWN_LEAKS}) {
      refused(setting, missing, missing, "No such file");
      refused(setting, folder.toString(), "regular file");
      refused(setting, wrong, wrong);
    }
  }

  @Test
  void eachOfSeveralMistakesKeepsItsName() throws Exception {
    check
        .add("<track>", Setting.TRACK, "new")
        .option("<depht> in <options>", "depht", "5")
        .add("<held>", Setting.HELD, "no")
        .format("<formats>", "htm");
    List<String> wrong = check.wrong(command);
    assertEquals(3, wrong.size(), wrong::toString);
    assertTrue(wrong.get(0).contains("<depht> in <options> cannot be used: option `depht`"));
    assertTrue(wrong.get(1).contains("<held>"), wrong::toString);
    assertTrue(wrong.get(2).contains("`htm` is no format: use one of text, "), wrong::toString);
  }

  @Test
  void aCommandWithoutAnAnswerIsAnError() throws IOException {
    Command silent = new Command(NotUnpacked.in(natives));
    check.format("x", "html");
    assertThrows(IOException.class, () -> check.wrong(silent));
  }

  @Test
  void onlyATypingErrorIsSimilar() {
    List<String> names = Arrays.asList("suppressions", "held", "per", "suppress");
    assertEquals(Optional.of("suppressions"), Similar.to("suppresions", names));
    assertEquals(Optional.of("suppressions"), Similar.to("Suppresssions", names));
    assertEquals(Optional.of("held"), Similar.to("hedl", names));
    assertEquals(Optional.empty(), Similar.to("home", names));
    assertEquals(Optional.empty(), Similar.to("baseline", names));
    assertEquals(Optional.empty(), Similar.to("per", Collections.singletonList("per")));
  }
}
