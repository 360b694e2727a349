package example;

import static org.junit.jupiter.api.Assertions.assertNotNull;

import org.junit.jupiter.api.Test;

class CleanTest {
  @Test
  void closesWhatItOpens() {
    System.out.println("test JVM: " + System.getProperty("java.specification.version"));
    try (NativeBlock block = new NativeBlock(1_999_993)) {
      assertNotNull(block);
    }
  }
}
