package dev.hackleak;

import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What JNA frees late. It keeps callbacks as weak keys of maps, whose values own the native code of
 * each; and such a map lets go of a value only when it is used the next time, which a test that has
 * ended never does. So the maps are used here, under the locks that JNA itself takes; the next
 * collection then finds the values, and JNA's own cleaner frees them.
 *
 * <p>JNA must be neither loaded nor initialised from here: it is found by its cleaner's thread,
 * which also tells the class loader. Without that thread nothing waits to be freed. Where the
 * fields have other names, nothing is done.
 */
final class JnaCleaner {
  private static final String THREAD = "com.sun.jna.internal.Cleaner$CleanerThread";
  private static final String CALLBACKS = "com.sun.jna.CallbackReference";

  /** The maps that JNA uses under the lock of the last one. */
  private static final String[] LOCKED = {"callbackMap", "directCallbackMap", "pointerCallbackMap"};

  /** Maps that are their own locks. */
  private static final String[] APART = {"initializers", "allocations"};

  private static volatile JnaCleaner found;

  private final Object lock;
  private final List<Map<?, ?>> locked = new ArrayList<>();
  private final List<Map<?, ?>> apart = new ArrayList<>();

  private JnaCleaner(Class<?> callbacks) throws ReflectiveOperationException {
    for (String name : LOCKED) {
      locked.add(map(callbacks, name));
    }
    for (String name : APART) {
      apart.add(map(callbacks, name));
    }
    lock = locked.get(locked.size() - 1);
  }

  /** Has the maps let go of what the last collection found to be garbage. */
  static void drain(Recorder recorder) {
    JnaCleaner cleaner = find(recorder);
    if (cleaner != null) {
      cleaner.touch();
    }
  }

  void touch() {
    synchronized (lock) {
      locked.forEach(Map::size);
    }
    for (Map<?, ?> map : apart) {
      synchronized (map) {
        map.size();
      }
    }
  }

  private static JnaCleaner find(Recorder recorder) {
    JnaCleaner cleaner = found;
    if (cleaner == null) {
      Thread thread = Threads.ofClass(THREAD);
      if (thread != null) {
        cleaner = of(recorder.loadedClass(thread.getClass().getClassLoader(), CALLBACKS));
        found = cleaner;
      }
    }
    return cleaner;
  }

  /** The maps of the class, or null where it is not loaded or another one than is known here. */
  static JnaCleaner of(Class<?> callbacks) {
    try {
      return callbacks == null ? null : new JnaCleaner(callbacks);
    } catch (ReflectiveOperationException | RuntimeException e) {
      return null;
    }
  }

  private static Map<?, ?> map(Class<?> type, String name) throws ReflectiveOperationException {
    Field field = type.getDeclaredField(name);
    field.setAccessible(true);
    Object map = field.get(null);
    if (!(map instanceof Map)) {
      throw new NoSuchFieldException(name + " is no map");
    }
    return (Map<?, ?>) map;
  }
}
