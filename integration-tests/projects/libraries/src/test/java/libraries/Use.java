package libraries;

/** One use of a library that frees all it allocates. */
@FunctionalInterface
interface Use {
  void run() throws Exception;

  /** Uses a library so often that what it keeps for ever is allocated, and again in a test. */
  static void repeat(int times, Use use) throws Exception {
    for (int i = 0; i < times; i++) {
      use.run();
    }
  }
}
