package dev.hackleak.junit;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Fails a test that has more native memory than it may, with a {@link dev.hackleak.LimitError}.
 *
 * <pre>{@code
 * @Test
 * @NativeMemory(peakBytes = 10 << 20, allocations = 1000)
 * void readsInPieces() { … }
 * }</pre>
 *
 * <p>What the test's thread allocates counts, and the threads that were started in the test, from
 * before its {@code @BeforeEach} methods until after its {@code @AfterEach} methods. It is counted
 * exactly, at each allocation and free. What was allocated before does not count, nor that it is
 * freed. Each invocation of a repeated or parameterized test is counted by itself, each round of
 * {@link NoLeaks#repeat()}, and each dynamic test; what a {@code @TestFactory} method does around
 * its dynamic tests is not counted.
 *
 * <p>On a class the annotation counts for each of its tests, also for inherited and nested ones; on
 * a method it replaces the one of its class. It looks for no leaks: {@link NoLeaks} may stand
 * beside it. It may be used as a meta-annotation.
 *
 * <p>A test that failed or was aborted for another reason keeps that reason; the error is attached
 * as a suppressed exception, and one line on stderr says so. Where the JVM is not recorded the
 * tests run uncounted, which one notice on stderr says; with {@code -Dhackleak.required=true} they
 * fail instead.
 */
@Documented
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.TYPE, ElementType.METHOD})
@ExtendWith(NoLeaksExtension.class)
public @interface NativeMemory {
  /** No limit. */
  long ANY = Long.MIN_VALUE;

  /** How many bytes of what the test has allocated may be live at once. */
  long peakBytes() default ANY;

  /** How often the test may allocate. */
  long allocations() default ANY;
}
