package example;

import org.junit.jupiter.api.Test;

class LeakyTest {
  @Test
  @SuppressWarnings("resource")
  void forgetsToClose() {
    System.out.println("test JVM: " + System.getProperty("java.specification.version"));
    new NativeBlock(1_999_993);
  }
}
