package dev.hackleak.testng;

import dev.hackleak.Held;
import dev.hackleak.LeakKind;
import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Fails a TestNG test that leaks native memory, with a {@link dev.hackleak.LeakError}.
 *
 * <p>On a class it counts for each test method, inherited ones too; on a method it replaces the one
 * of the class. The check is made around the test method itself: {@code @BeforeMethod} and
 * {@code @AfterMethod} lie outside. What only the arguments of a finished test hold is lost; the
 * instance serves all tests of its class, so what it holds is held. A test that failed or was
 * skipped for another reason keeps it; the leak is attached as a suppressed exception, and one line
 * on stderr says so. {@link NoLeaksListener} does it, which TestNG finds by itself.
 */
@Documented
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.TYPE, ElementType.METHOD})
public @interface NoLeaks {
  /** False takes the method out of the check that its class asks for. */
  boolean value() default true;

  /** Whether garbage is collected before a leak is reported. */
  boolean settle() default true;

  /**
   * How long settling may take, in milliseconds; below zero the system property {@code
   * hackleak.settleLimitMillis} decides.
   */
  long settleLimitMillis() default -1;

  /** How many bytes each site may leak; -1 is none. */
  long allowBytes() default -1;

  /** How many blocks each site may leak; -1 is none. */
  long allowBlocks() default -1;

  /** The kinds that count; none means all that are tracked. */
  LeakKind[] kinds() default {};

  /** Leaks with one of these in a frame do not count, as in suppression files. */
  String[] suppress() default {};

  /**
   * What becomes of memory that is live but held, by a global, a thread or a live object. By
   * default the system property {@code hackleak.held} decides, and without it the recorder's option
   * {@code held}.
   */
  Held held() default Held.DEFAULT;
}
