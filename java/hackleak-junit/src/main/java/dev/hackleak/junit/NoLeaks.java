package dev.hackleak.junit;

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
 * method it replaces the one of its class. Each invocation of a repeated or parameterized test is
 * checked by itself, a {@code @TestFactory} method as a whole. It may be used as a meta-annotation.
 *
 * <p>A test that failed for another reason keeps that reason; the leak is attached as a suppressed
 * exception. Where the JVM is not recorded the tests run unchecked, which one line on stderr says;
 * with {@code -Dhackleak.required=true} they fail instead.
 *
 * <p>A leak counts for every test that runs at that time: do not run such tests concurrently. What
 * a library allocates once and keeps, when it is used for the first time, looks like a leak of the
 * first test; use the library once in {@code @BeforeAll}.
 */
@Documented
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.TYPE, ElementType.METHOD})
@ExtendWith(NoLeaksExtension.class)
public @interface NoLeaks {
  /**
   * Whether garbage is collected before a leak is reported, so that native memory whose Java owner
   * is unreachable is freed and not reported. With false it is reported, which shows the objects
   * that nobody closed. A test without leaks costs no collection either way.
   */
  boolean settle() default true;

  /**
   * How long settling may take, in milliseconds; below zero the system property {@code
   * hackleak.settle.limit.ms} decides, 5000 by default.
   */
  long settleLimitMillis() default -1;
}
