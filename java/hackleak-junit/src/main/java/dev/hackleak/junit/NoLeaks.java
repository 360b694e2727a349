package dev.hackleak.junit;

import dev.hackleak.Held;
import dev.hackleak.LeakKind;
import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Fails a test that leaks native memory, with a {@link dev.hackleak.LeakError}.
 *
 * <p>The checkpoint is taken before the test's {@code @BeforeEach} methods, and the check is made
 * after its {@code @AfterEach} methods: what these allocate must be free again by then. What
 * {@code @BeforeAll} and the constructor of the test class allocate is older and does not count. On
 * a class the annotation counts for each of its tests, also for inherited and nested ones; on a
 * method it replaces the one of its class, and {@link IgnoreLeaks} takes it away. Each invocation
 * of a repeated or parameterized test is checked by itself, and each dynamic test; the rest of a
 * {@code @TestFactory} method as a whole. It may be used as a meta-annotation.
 *
 * <p>A test that failed for another reason keeps that reason, and a test that was aborted stays so;
 * the leak is attached as a suppressed exception, and one line on stderr says so. Where the JVM is
 * not recorded the tests run unchecked, which one notice on stderr says; with {@code
 * -Dhackleak.required=true} they fail instead.
 *
 * <p>Tests may run in parallel: see {@link dev.hackleak.LeakWatch} for what a test then answers
 * for.
 *
 * <p>What a library allocates when it is used for the first time, and keeps, is held and no leak,
 * and so is what it makes when it is loaded. What it allocates once and loses is a leak of the
 * first test; use the library once in {@code @BeforeAll}, or have the test {@link #repeat()}.
 */
@Documented
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.TYPE, ElementType.METHOD})
@ExtendWith(NoLeaksExtension.class)
public @interface NoLeaks {
  /** What is checked. */
  enum Per {
    /** Each test. */
    TEST,
    /** All tests of the class together, with what they share. */
    CLASS
  }

  /**
   * {@link Per#CLASS} takes the checkpoint before the {@code @BeforeAll} methods and checks after
   * the {@code @AfterAll} methods, for what the tests of a class share. It counts on classes only.
   */
  Per per() default Per.TEST;

  /**
   * Whether garbage is collected before a leak is reported, so that native memory whose Java owner
   * is unreachable is freed and not reported. With false it is reported, which shows the objects
   * that nobody closed. A test without leaks costs no collection either way.
   */
  boolean settle() default true;

  /**
   * How long settling may take, in milliseconds; below zero the system property {@code
   * hackleak.settleLimitMillis} decides, 5000 by default.
   */
  long settleLimitMillis() default -1;

  /**
   * How many times the test method runs between its {@code @BeforeEach} and {@code @AfterEach}
   * methods, on the same instance. With 2 or more a leak counts only if each of these rounds leaked
   * at the same site; what is allocated once and kept does not, nor what {@code @BeforeEach}
   * allocates. At most 64.
   */
  int repeat() default 1;

  /**
   * How many times the test method runs before these rounds, without counting; what the library
   * allocates once and keeps is then there already. With {@code repeat = 1}, what the one run after
   * that leaks counts.
   */
  int warmup() default 0;

  /** How many bytes each site may leak; -1 is none. See {@link #allowBlocks()}. */
  long allowBytes() default -1;

  /**
   * How many blocks each site may leak; -1 is none. A site is no leak if it exceeds neither of both
   * limits, or the one that is set.
   */
  long allowBlocks() default -1;

  /** The kinds that count; none means all that are tracked. */
  LeakKind[] kinds() default {};

  /**
   * Leaks with one of these in a frame do not count: a native function, file or library, or a Java
   * {@code class.method}, as in suppression files after {@code leak:}.
   */
  String[] suppress() default {};

  /**
   * What becomes of memory that is live but held, by a global, a thread or a live object. By
   * default the system property {@code hackleak.held} decides, and without it the recorder's option
   * {@code held}.
   */
  Held held() default Held.DEFAULT;
}
