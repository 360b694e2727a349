package dev.hackleak;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Lists that nobody can change any more, on Java 8. */
final class Immutable {
  private Immutable() {}

  static <T> List<T> copyOf(List<? extends T> list) {
    return Collections.unmodifiableList(new ArrayList<>(list));
  }
}
