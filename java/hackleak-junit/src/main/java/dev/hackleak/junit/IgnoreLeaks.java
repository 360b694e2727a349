package dev.hackleak.junit;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Takes a test, or the tests of a class, out of the check that {@link NoLeaks} around it asks for.
 * What its thread leaks is never reported. The nearest of both annotations counts.
 */
@Documented
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.TYPE, ElementType.METHOD})
@ExtendWith(NoLeaksExtension.class)
public @interface IgnoreLeaks {
  /** Why, for readers of the test: an issue, say. */
  String value() default "";
}
