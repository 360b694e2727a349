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

  Given with(String key, String value) {
    set(key, value);
    return this;
  }
}
