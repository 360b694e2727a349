package dev.hackleak.junit4;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.junit.internal.runners.statements.InvokeMethod;
import org.junit.runners.Parameterized.Parameter;
import org.junit.runners.model.Statement;

/**
 * The instance that a test runs on, and its parameters.
 *
 * <p>JUnit 4 tells rules of a kind that can be used for tests and for classes no instance. It lies
 * in the innermost of the statements that wrap each other, so these are followed, whoever made
 * them. Where that leads to nothing the instance is not known, and what it holds counts as held.
 */
final class TestInstance {
  private static final int MOST_STATEMENTS = 1_000;

  private TestInstance() {}

  /** The instance and the values of its fields with {@link Parameter}; empty if it is not known. */
  static List<Object> of(Statement outermost) {
    Object instance = target(outermost);
    if (instance == null) {
      return Collections.emptyList();
    }
    List<Object> ending = new ArrayList<>();
    ending.add(instance);
    for (Field field : fields(instance.getClass())) {
      if (field.isAnnotationPresent(Parameter.class)) {
        Object value = value(field, instance);
        if (value != null) {
          ending.add(value);
        }
      }
    }
    return ending;
  }

  private static Object target(Statement outermost) {
    Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    Deque<Object> next = new ArrayDeque<>();
    next.add(outermost);
    while (!next.isEmpty() && seen.size() < MOST_STATEMENTS) {
      Object at = next.remove();
      if (!seen.add(at)) {
        continue;
      }
      boolean innermost = at instanceof InvokeMethod;
      for (Field field : fields(at.getClass())) {
        if (innermost && field.getType() == Object.class) {
          return value(field, at);
        }
        if (Statement.class.isAssignableFrom(field.getType())) {
          Object inner = value(field, at);
          if (inner != null) {
            next.add(inner);
          }
        }
      }
    }
    return null;
  }

  private static List<Field> fields(Class<?> type) {
    List<Field> fields = new ArrayList<>();
    for (Class<?> at = type; at != null && at != Object.class; at = at.getSuperclass()) {
      for (Field field : at.getDeclaredFields()) {
        if (!Modifier.isStatic(field.getModifiers())) {
          fields.add(field);
        }
      }
    }
    return fields;
  }

  /** Null as well where a module keeps its fields to itself. */
  private static Object value(Field field, Object of) {
    try {
      field.setAccessible(true);
      return field.get(of);
    } catch (IllegalAccessException | RuntimeException e) {
      return null;
    }
  }
}
