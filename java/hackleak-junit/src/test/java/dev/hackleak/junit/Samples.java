package dev.hackleak.junit;

import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.hackleak.LeakCheck;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.util.concurrent.CyclicBarrier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The test classes that {@link NoLeaksTest} runs; the build itself runs none of them. */
final class Samples {
  private Samples() {}

  private static void allocate(int count) {
    Recorded.recording.allocate(count);
  }

  private static void free(int count) {
    Recorded.recording.freeNewest(count);
  }

  @NoLeaks
  static class Naming {
    @Nested
    @TestMethodOrder(MethodOrderer.OrderAnnotation.class)
    class Inner {
      @ParameterizedTest(name = "[{index}] {0}")
      @ValueSource(ints = {1, 2})
      @Order(1)
      void param(int count) {}

      @TestFactory
      @Order(2)
      Stream<DynamicTest> tests() {
        return Stream.of(DynamicTest.dynamicTest("dynamic", () -> {}));
      }
    }
  }

  private static int rounds;

  /** How many times the methods of {@link CountsRounds} run. */
  static int rounds(Runnable run) {
    rounds = 0;
    run.run();
    return rounds;
  }

  @NoLeaks
  static class CountsRounds {
    @Test
    void asTheSuiteSays() {
      rounds++;
    }

    @Test
    @NoLeaks(repeat = 2)
    void twice() {
      rounds++;
    }
  }

  @NoLeaks(repeat = 2)
  static class ClassOfRounds {
    @Test
    void twice() {
      rounds++;
    }
  }

  @NoLeaks
  static class OneLeaks {
    @Test
    void leaks() {
      allocate(3);
    }

    @Test
    void clean() {
      allocate(3);
      free(3);
    }
  }

  @NoLeaks
  static class BeforeEachAllocates {
    private int live;

    @BeforeEach
    void open() {
      allocate(1);
      live = 1;
    }

    @AfterEach
    void close() {
      free(live);
    }

    @Test
    void freedInAfterEach() {}

    @Test
    void freedNowhere() {
      live = 0;
    }
  }

  static class OneMethod {
    @Test
    @NoLeaks
    void annotated() {
      allocate(1);
    }

    @Test
    void plain() {
      allocate(1);
    }
  }

  @NoLeaks
  @Retention(RetentionPolicy.RUNTIME)
  @interface Strict {}

  static class Meta {
    @Test
    @Strict
    void leaks() {
      allocate(1);
    }
  }

  static class Inherited extends Base {
    @Test
    void leaks() {
      allocate(1);
    }
  }

  @NoLeaks
  abstract static class Base {}

  @NoLeaks
  static class Nesting {
    @Nested
    class Inner {
      @Test
      void leaks() {
        allocate(1);
      }
    }
  }

  @NoLeaks
  static class Repeated {
    @RepeatedTest(3)
    void everyInvocation(RepetitionInfo repetition) {
      allocate(repetition.getCurrentRepetition() == 2 ? 0 : 1);
    }
  }

  @NoLeaks
  static class Garbage {
    @Test
    void settled() {
      allocate(1);
      freeOnNextGc();
    }

    @Test
    @NoLeaks(settle = false)
    void unsettled() {
      allocate(1);
      freeOnNextGc();
    }

    private static void freeOnNextGc() {
      int before = Recorded.recording.gcs();
      Recorded.recording.onGc(() -> free(Recorded.recording.gcs() == before + 1 ? 1 : 0));
    }
  }

  @NoLeaks
  static class FailsAndLeaks {
    @Test
    void failsAndLeaks() {
      allocate(1);
      throw new IllegalStateException("mine");
    }
  }

  @NoLeaks
  static class Ignoring {
    @Test
    @IgnoreLeaks("known")
    void ignored() {
      allocate(1);
    }

    @Test
    void leaks() {
      allocate(1);
    }
  }

  @IgnoreLeaks
  static class IgnoringClass extends Base {
    @Test
    void ignored() {
      allocate(1);
    }

    @Test
    @NoLeaks
    void leaks() {
      allocate(1);
    }
  }

  @NoLeaks
  static class Factory {
    @TestFactory
    Stream<DynamicTest> dynamicTests() {
      return Stream.of(
          DynamicTest.dynamicTest("clean", () -> {}),
          DynamicTest.dynamicTest("leaky", () -> allocate(1)),
          DynamicTest.dynamicTest("clean, too", () -> {}));
    }
  }

  @NoLeaks
  static class LeakyFactory {
    @TestFactory
    Stream<DynamicTest> leaksAroundItsTests() {
      allocate(1);
      return Stream.of(DynamicTest.dynamicTest("clean", () -> {}));
    }
  }

  @NoLeaks
  static class Parameterized {
    @ParameterizedTest
    @ValueSource(ints = {0, 2, 0})
    void blocks(int count) {
      allocate(count);
    }
  }

  @NoLeaks(repeat = 3, warmup = 1)
  static class Rounds {
    static int once;
    static int runs;

    @BeforeEach
    void count() {
      runs = 0;
    }

    @Test
    void initialises() {
      runs++;
      if (once++ < 2) {
        allocate(1);
      }
      assertFalse(runs > 4);
    }

    @Test
    void grows() {
      runs++;
      allocate(1);
    }

    @RepeatedTest(2)
    void growsEachTime() {
      allocate(1);
    }

    @TestFactory
    Stream<DynamicTest> dynamicTests() {
      return Stream.of(DynamicTest.dynamicTest("grows as well", () -> allocate(1)));
    }

    @Test
    void failsInARound() {
      allocate(1);
      if (++runs == 2) {
        throw new IllegalStateException("mine");
      }
    }
  }

  @NoLeaks(warmup = 2)
  static class WarmUp {
    static int once;

    @Test
    void initialises() {
      if (once++ < 1) {
        allocate(1);
      }
    }

    @Test
    void leaks() {
      allocate(1);
    }
  }

  static class WrongRounds {
    @Test
    @NoLeaks(warmup = -1)
    void belowZero() {}

    @Test
    @NoLeaks(repeat = 65)
    void tooMany() {}

    @Test
    @NoLeaks(per = NoLeaks.Per.CLASS)
    void perClassOnAMethod() {}
  }

  @NoLeaks(per = NoLeaks.Per.CLASS)
  static class SharedAndClosed {
    @BeforeAll
    static void open() {
      allocate(1);
    }

    @Test
    void opens() {
      allocate(1);
    }

    @Nested
    class Inner {
      @Test
      void opensAsWell() {
        allocate(1);
      }
    }

    @AfterAll
    static void close() {
      free(3);
    }
  }

  @NoLeaks(per = NoLeaks.Per.CLASS)
  static class SharedAndForgotten {
    @BeforeAll
    static void open() {
      allocate(1);
    }

    @Test
    void closesItsOwn() {
      allocate(1);
      free(1);
    }
  }

  static class Registered {
    @RegisterExtension
    static final NoLeaksExtension NO_LEAKS =
        NoLeaksExtension.checking(LeakCheck.standard()).repeat(2).warmup(1);

    private int runs;

    @Test
    void leaksInTheFirstRoundOnly() {
      if (++runs == 2) {
        allocate(1);
      }
    }

    @Test
    void grows() {
      allocate(1);
    }

    @Test
    @NoLeaks
    void annotated() {
      if (++runs == 1) {
        allocate(1);
      }
    }
  }

  static class Plain {
    @Test
    void leaks() {
      allocate(1);
    }
  }

  /** Each test runs while the other one does. */
  @NoLeaks(settle = false)
  @Execution(ExecutionMode.CONCURRENT)
  static class Together {
    private static CyclicBarrier barrier = new CyclicBarrier(2);

    @Test
    void leaky() throws Exception {
      barrier.await();
      allocate(2);
      barrier.await();
    }

    @Test
    void clean() throws Exception {
      barrier.await();
      barrier.await();
    }
  }
}
