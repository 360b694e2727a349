package dev.hackleak;

/** What is known of who holds memory that is still live. */
public enum LeakVerdict {
  /** Nothing that can still run has its address: nobody can free it any more. */
  LOST,

  /** A global, a live thread or a live Java object has its address, or what these hold. */
  HELD,

  /** Held, and more of it with each round of a repeated test, so it counts as a leak. */
  GROWING,

  /** Nobody could be asked; it counts as a leak. */
  UNKNOWN;

  static LeakVerdict of(String name) {
    for (LeakVerdict verdict : values()) {
      if (verdict.name().equalsIgnoreCase(name)) {
        return verdict;
      }
    }
    throw new IllegalArgumentException("no verdict: " + name);
  }
}
