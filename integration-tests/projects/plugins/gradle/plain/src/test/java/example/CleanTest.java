package example;

import static org.junit.Assert.assertNotNull;

import org.junit.Test;

public class CleanTest {
  @Test
  public void closesWhatItOpens() {
    System.out.println("test JVM: " + System.getProperty("java.specification.version"));
    try (NativeBlock block = new NativeBlock(1_999_993)) {
      assertNotNull(block);
    }
  }
}
