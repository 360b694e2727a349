package dev.hackleak.build;

import java.lang.reflect.Field;

/** The twin of {@link Leaky} that frees its block. */
final class Clean {
  private Clean() {}

  public static void main(String[] arguments) throws Exception {
    Field field = Class.forName("sun.misc.Unsafe").getDeclaredField("theUnsafe");
    field.setAccessible(true);
    Object unsafe = field.get(null);
    Class<?> type = unsafe.getClass();
    Object address = type.getMethod("allocateMemory", long.class).invoke(unsafe, Leaky.BYTES);
    type.getMethod("freeMemory", long.class).invoke(unsafe, address);
  }
}
