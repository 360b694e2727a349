package dev.hackleak;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/** The platform threads of this JVM. */
final class Threads {
  private Threads() {}

  /** All that live, in no order. */
  static List<Thread> all() {
    ThreadGroup group = Thread.currentThread().getThreadGroup();
    if (group == null) {
      return Collections.emptyList();
    }
    while (group.getParent() != null) {
      group = group.getParent();
    }
    Thread[] threads = new Thread[group.activeCount() * 2 + 16];
    int count = group.enumerate(threads);
    return Arrays.asList(threads).subList(0, count);
  }

  /** One whose class has this name, or null. */
  static Thread ofClass(String name) {
    for (Thread thread : all()) {
      if (thread.getClass().getName().equals(name)) {
        return thread;
      }
    }
    return null;
  }
}
