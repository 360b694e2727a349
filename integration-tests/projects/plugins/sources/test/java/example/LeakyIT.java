package example;

import org.junit.jupiter.api.Test;

class LeakyIT {
  @Test
  @SuppressWarnings("resource")
  void forgetsToClose() {
    new NativeBlock(1_777_771);
  }
}
