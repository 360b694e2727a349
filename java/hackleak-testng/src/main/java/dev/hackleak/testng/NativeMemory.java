package dev.hackleak.testng;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Fails a TestNG test that has more native memory than it may, with a {@link
 * dev.hackleak.LimitError}.
 *
 * <p>What the test method's thread allocates counts, and the threads that were started in it; what
 * was allocated before does not. On a class it counts for each test method, inherited ones too; on
 * a method it replaces the one of the class. It looks for no leaks: {@link NoLeaks} may stand
 * beside it. {@link NoLeaksListener} does it, which TestNG finds by itself.
 */
@Documented
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.TYPE, ElementType.METHOD})
public @interface NativeMemory {
  /** No limit. */
  long ANY = Long.MIN_VALUE;

  /** How many bytes of what the test has allocated may be live at once. */
  long peakBytes() default ANY;

  /** How often the test may allocate. */
  long allocations() default ANY;
}
