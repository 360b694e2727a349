package example;

import org.junit.Test;

public class LeakyTest {
  @Test
  @SuppressWarnings("resource")
  public void forgetsToClose() {
    System.out.println("test JVM: " + System.getProperty("java.specification.version"));
    new NativeBlock(1_999_993);
  }
}
