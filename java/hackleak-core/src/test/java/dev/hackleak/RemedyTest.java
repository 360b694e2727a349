package dev.hackleak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RemedyTest {
  @AfterEach
  void clear() {
    for (String name : new String[] {"settle", "kinds", "suppress", "allowBytes", "required"}) {
      System.clearProperty("hackleak." + name);
    }
  }

  @Test
  void onlyWhoHasNoRecorderIsToldToPreloadIt() {
    assertTrue(
        Remedy.of("libhackleak.so is not loaded into it", false).contains("LD_PRELOAD=/path"));
    List<String> others =
        Arrays.asList(
            "option `trak` is not known: use one of track (in HACKLEAK_OPTIONS)",
            "option `held=x` is not known: use one of fail, note, ignore (in -agentpath)",
            "follow=none",
            "the folder `/x` (option out) cannot be made: No such file",
            "cannot read the pools `x`");
    for (String reason : others) {
      assertFalse(Remedy.of(reason, true).contains("LD_PRELOAD"), reason);
    }
    assertEquals(
        "correct it in the environment variable HACKLEAK_OPTIONS", Remedy.of(others.get(0), true));
    assertEquals(
        "correct it in the argument -agentpath of the JVM", Remedy.of(others.get(1), true));
  }

  @Test
  void aMisspeltSwitchIsAnError() {
    System.setProperty("hackleak.required", "ture");
    String said =
        assertThrows(IllegalArgumentException.class, SystemProperties::required).getMessage();
    assertEquals("-Dhackleak.required is true or false, not \"ture\"", said);
    System.setProperty("hackleak.required", "");
    assertTrue(SystemProperties.required());
  }

  @Test
  void propertiesDecideWhatTheCheckLeavesOpen() {
    System.setProperty("hackleak.settle", "false");
    System.setProperty("hackleak.kinds", "new;JNI");
    System.setProperty("hackleak.suppress", "std::map<int, int>;b");
    System.setProperty("hackleak.allowBytes", "7");
    assertFalse(LeakCheck.ofTests().settles());
    assertEquals(EnumSet.of(LeakKind.NEW, LeakKind.JNI), SystemProperties.kinds());
    assertEquals(
        Arrays.asList(
            "--kinds",
            "new+jni",
            "--allow-bytes",
            "7",
            "--suppress=std::map<int, int>",
            "--suppress=b"),
        LeakCheck.standard().arguments());
    // Its own go first, and both limits belong together.
    assertEquals(
        Arrays.asList(
            "--kinds",
            "malloc",
            "--allow-blocks",
            "2",
            "--suppress=a",
            "--suppress=std::map<int, int>",
            "--suppress=b"),
        LeakCheck.standard().kinds(LeakKind.MALLOC).allowingBlocks(2).suppressing("a").arguments());
    // The end of a JVM is no test.
    assertEquals(Collections.emptyList(), LeakCheck.standard().afterSettling().arguments());
    System.setProperty("hackleak.kinds", "neu");
    assertThrows(IllegalArgumentException.class, () -> LeakCheck.standard().arguments());
  }
}
