package dev.hackleak.junit;

import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

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
  static class AbortsAndLeaks {
    @Test
    void abortsAndLeaks() {
      allocate(1);
      Assumptions.assumeTrue(false);
    }
  }
}
