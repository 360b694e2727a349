package dev.hackleak;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.WeakReference;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import org.junit.jupiter.api.Test;

class JnaCleanerTest {
  /** The fields that JNA's {@code CallbackReference} has. */
  static class Callbacks {
    static final Map<Object, Object> callbackMap = new WeakHashMap<>();
    static final Map<Object, Object> directCallbackMap = new WeakHashMap<>();
    static final Map<Object, Object> pointerCallbackMap = new WeakHashMap<>();
    static final Map<Object, Object> initializers = new WeakHashMap<>();
    static final Map<Object, Object> allocations = Collections.synchronizedMap(new WeakHashMap<>());
  }

  static class OtherFields {
    static final Map<Object, Object> callbackMap = new WeakHashMap<>();
  }

  @Test
  void mapsLetGoOfTheValuesOfDeadKeys() throws InterruptedException {
    JnaCleaner cleaner = JnaCleaner.of(Callbacks.class);
    assertNotNull(cleaner);
    List<Map<Object, Object>> maps =
        Arrays.asList(
            Callbacks.callbackMap,
            Callbacks.directCallbackMap,
            Callbacks.pointerCallbackMap,
            Callbacks.initializers,
            Callbacks.allocations);
    for (Map<Object, Object> map : maps) {
      Object value = new Object();
      Object kept = new Object();
      map.put(new Object(), value);
      map.put(kept, "of one that lives");
      WeakReference<Object> freed = new WeakReference<>(value);
      value = null;
      for (int i = 0; freed.get() != null; i++) {
        assertTrue(i < 6_000, "the map still has the value of a dead key");
        System.gc();
        cleaner.touch();
        Thread.sleep(i < 10 ? 1 : 10);
      }
      assertTrue(map.containsKey(kept));
    }
  }

  @Test
  void anotherClassIsLeftAlone() {
    assertNull(JnaCleaner.of(OtherFields.class));
    assertNull(JnaCleaner.of(null));
  }
}
