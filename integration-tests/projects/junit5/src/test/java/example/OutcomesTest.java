package example;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.hackleak.junit.NoLeaks;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Tests that leak and have an outcome already. */
@NoLeaks
class OutcomesTest {
  @Test
  void skipped() {
    new NativeBuffer();
    assumeTrue(false, "mine");
  }

  @Test
  @NoLeaks(repeat = 2)
  void skippedInRounds() {
    new NativeBuffer();
    assumeTrue(false, "mine");
  }

  @Test
  void failed() {
    new NativeBuffer();
    throw new IllegalStateException("mine");
  }

  @TestFactory
  Stream<DynamicTest> dynamicTests() {
    return Stream.of(DynamicTest.dynamicTest("dynamic", this::skipped));
  }
}
