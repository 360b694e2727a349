package dev.hackleak.build;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TestJvmTest {
  private static final Path OUT = Paths.get("/build/hackleak");

  private NativeFiles files;
  private TestJvm jvm;

  @BeforeEach
  void makeJvm() throws IOException {
    files = NativeFiles.in(Paths.get("/build/native"));
    jvm = new TestJvm(files, OUT);
  }

  @Test
  void howTestsAreCheckedGoesIntoProperties() {
    jvm.ofTests(Setting.REPEAT, "3").ofTests(Setting.ALLOW_BYTES, "7");
    assertEquals("3", jvm.systemProperties().get("hackleak.repeat"));
    assertEquals("7", jvm.systemProperties().get("hackleak.allowBytes"));
    assertEquals("out=/build/hackleak,exit=settle", jvm.optionsText());
  }

  @Test
  void optionsAreJoinedInTheOrderInWhichTheyCome() {
    jvm.option("track", "new+malloc").option("depth", "50");
    assertEquals("out=/build/hackleak,exit=settle,track=new+malloc,depth=50", jvm.optionsText());
  }

  @Test
  void aSecondValueReplacesTheFirst() {
    jvm.option("exit", "none");
    assertEquals("out=/build/hackleak,exit=none", jvm.optionsText());
  }

  @Test
  void whatTheBuildSaysComesAfterWhatTheEnvironmentDoes() {
    jvm.inheriting("held=fail,out=/elsewhere");
    assertEquals("held=fail,out=/elsewhere,out=/build/hackleak,exit=settle", jvm.optionsText());
    assertEquals("out=/build/hackleak,exit=settle", jvm.inheriting(" ").optionsText());
    assertEquals("out=/build/hackleak,exit=settle", jvm.inheriting(null).optionsText());
  }

  @Test
  void theFolderOfTheImagesIsAbsolute() {
    TestJvm relative = new TestJvm(files, Paths.get("target"));
    String expected = "out=" + Paths.get("target").toAbsolutePath() + ",exit=settle";
    assertEquals(expected, relative.optionsText());
  }

  @Test
  void aCommaIsRefused() {
    IllegalArgumentException refused =
        assertThrows(IllegalArgumentException.class, () -> jvm.option("baseline", "/a,b.json"));
    assertEquals(
        "hackleak: the value of `baseline` must not have a comma: /a,b.json", refused.getMessage());
    assertEquals("out=/build/hackleak,exit=settle", jvm.optionsText());
    assertThrows(
        IllegalArgumentException.class, () -> new TestJvm(files, Paths.get("/some,where")));
    String why = TestJvm.unusable(Paths.get("/some,where")).get();
    assertTrue(why.startsWith("HackLeak cannot record into /some,where, because of the comma"));
    assertEquals(Optional.empty(), TestJvm.unusable(OUT));
  }

  @Test
  void nullIsRefusedWithTheNameOfTheOption() {
    NullPointerException refused =
        assertThrows(NullPointerException.class, () -> jvm.option("track", null));
    assertEquals("track", refused.getMessage());
  }

  @Test
  void whatIsPreloadedAlreadyComesAfterTheRecorder() {
    String library = files.library().toString();
    assertEquals(library, jvm.preload(null));
    assertEquals(library, jvm.preload(""));
    assertEquals(library + ":/lib/theirs.so", jvm.preload("/lib/theirs.so"));
  }

  @Test
  void theRecorderIsPreloadedOnce() {
    String once = jvm.preload("/lib/theirs.so");
    assertEquals(once, jvm.preload(once));
    String last = "/lib/theirs.so:" + files.library();
    assertEquals(last, jvm.preload(last));
  }

  @Test
  void aCheckSettlesAndNoMore() {
    assertEquals(
        Collections.singletonMap("ai.rapids.refcount.debug", "true"), jvm.systemProperties());
  }

  @Test
  void everyTestTurnsTheExtensionOn() {
    Map<String, String> properties = jvm.everyTest().systemProperties();
    assertEquals("true", properties.get("junit.jupiter.extensions.autodetection.enabled"));
    assertEquals("true", properties.get("hackleak.everyTest"));
    assertNull(properties.get("hackleak.required"));
  }

  @Test
  void requiredReachesTheTests() {
    Map<String, String> properties = jvm.required().systemProperties();
    assertEquals("true", properties.get("hackleak.required"));
    assertNull(properties.get("hackleak.everyTest"));
  }

  @Test
  void thePropertiesAreACopy() {
    jvm.systemProperties().clear();
    assertTrue(jvm.systemProperties().containsKey("ai.rapids.refcount.debug"));
  }
}
