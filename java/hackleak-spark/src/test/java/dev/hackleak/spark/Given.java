package dev.hackleak.spark;

import java.util.HashMap;
import java.util.Map;

/** Settings that a test gives. */
final class Given implements Conf {
  private final Map<String, String> values = new HashMap<>();

  @Override
  public String get(String key, String otherwise) {
    return values.getOrDefault(key, otherwise);
  }

  @Override
  public void set(String key, String value) {
    values.put(key, value);
  }

  @Override
  public Map<String, String> startingWith(String prefix) {
    Map<String, String> found = new HashMap<>();
    values.forEach(
        (key, value) -> {
          if (key.startsWith(prefix)) {
            found.put(key.substring(prefix.length()), value);
          }
        });
    return found;
  }

  Given with(String key, String value) {
    set(key, value);
    return this;
  }
}
