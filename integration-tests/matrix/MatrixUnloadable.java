/** What {@code Matrix} loads with a loader of its own, and drops. */
public class MatrixUnloadable {
  static native long make(int bytes);

  static native void free(long block);

  public static void run(boolean clean) {
    System.load(System.getProperty("matrix.unloadable"));
    for (int i = 0; i < 3; i++) {
      long block = make(1_300_021); // here: unloadable
      if (clean) {
        free(block);
      }
    }
  }
}
