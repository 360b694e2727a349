package dev.hackleak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a check asks of the reporter. */
class LeakCheckTest {
  private static final LeakCheck STANDARD = LeakCheck.standard();

  @AfterEach
  void forget() {
    System.clearProperty(SystemProperties.KNOWN);
  }

  private static List<String> known(String value) {
    return Arrays.asList("--known", value);
  }

  @Test
  void knownLeaksAreTheRecordersBusinessUnlessSomebodyElseSays() {
    assertEquals(Collections.emptyList(), STANDARD.arguments());
    assertEquals(known("fail"), STANDARD.failingOnKnown(true).arguments());
    System.setProperty(SystemProperties.KNOWN, "fail");
    assertEquals(known("fail"), STANDARD.arguments());
    assertEquals(known("note"), STANDARD.failingOnKnown(false).arguments());
  }

  @Test
  void aPropertyThatIsNeitherIsSaid() {
    System.setProperty(SystemProperties.KNOWN, "yes");
    Exception error = assertThrows(IllegalArgumentException.class, STANDARD::arguments);
    assertTrue(error.getMessage().contains("-Dhackleak.known is fail or note, not \"yes\""));
  }
}
