package dev.hackleak;

import java.util.Locale;

/** Kinds of allocation, as the recorder's option {@code track} joins them. */
public enum LeakKind {
  /** C++ {@code new} and {@code new[]}. */
  NEW,
  /** The malloc family. */
  MALLOC,
  /** JNI references, array elements, string characters and monitors. */
  JNI,
  /** {@code Unsafe.allocateMemory}, and with it direct byte buffers. */
  UNSAFE,
  /** Objects of libraries' own pools. */
  POOL,
  /** File descriptors: of files, sockets, pipes and the like, opened by native or Java code. */
  FD,
  /** Mapped memory: {@code mmap}, {@code FileChannel.map}. Recorded with {@code track=mmap}. */
  MMAP,
  /** What zlib holds for Java's {@code Deflater} and {@code Inflater}. */
  ZIP,
  /**
   * Threads that native or Java code started, and that still run or were never joined. Recorded
   * with {@code track=thread}.
   */
  THREAD,
  /**
   * Threads that native code attached and never detached, local frames that were pushed and not
   * popped, and local references beyond a bound. Recorded with {@code track=attach}.
   */
  ATTACH,
  /**
   * Libraries that native code opened with {@code dlopen} and did not close. Recorded with {@code
   * track=module}.
   */
  MODULE;

  /** The name that the reporter knows it by. */
  String option() {
    return name().toLowerCase(Locale.ROOT);
  }
}
