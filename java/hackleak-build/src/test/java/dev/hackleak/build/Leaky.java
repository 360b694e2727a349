package dev.hackleak.build;

import java.lang.reflect.Field;

/** Allocates a block of native memory that nobody frees. */
final class Leaky {
  /** Whole words: Unsafe rounds up. */
  static final long BYTES = 1_999_992;

  private Leaky() {}

  public static void main(String[] arguments) throws Exception {
    // By reflection, because a compiler for Java 8 warns of the class and cannot be told not to.
    Field field = Class.forName("sun.misc.Unsafe").getDeclaredField("theUnsafe");
    field.setAccessible(true);
    Object unsafe = field.get(null);
    unsafe.getClass().getMethod("allocateMemory", long.class).invoke(unsafe, BYTES);
  }
}
