import dev.hackleak.HackLeak;
import dev.hackleak.LeakError;

/**
 * Makes blocks, frees them, and after a checkpoint makes them again, while the places that had the addresses of the
 * first ones were never emptied. Then asserts, and prints what was made in all and how much of it was lost: {@code
 * Reopened WAY}. The blocks are 60, of 60 sizes, so that an allocator would give the same addresses again.
 */
public final class Reopened {
  private static final int BLOCKS = 60;

  /** What keeps its handle when it is closed. */
  private static final class Closed {
    long handle;
  }

  private static final long[] HANDLES = new long[BLOCKS];
  private static final Closed[] OBJECTS = new Closed[BLOCKS];
  private static long handle;

  private static native long make(int number);

  private static native void free(long block);

  /** The blocks of a native structure; {@code again} if it is the second time. */
  private static native void open(String where, boolean again);

  private static native void close(String where);

  public static void main(String[] arguments) {
    System.load(System.getProperty("victim.library"));
    String where = arguments[0];
    for (int i = 0; i < BLOCKS; i++) {
      OBJECTS[i] = new Closed();
    }
    // What the first use alone makes is no matter.
    round(where, false);
    undo(where);
    for (int i = 0; i < 5; i++) {
      HackLeak.checkpoint("round " + i);
      round(where, i % 2 == 0);
      long lost = 0;
      try {
        HackLeak.assertNoLeaks();
      } catch (LeakError e) {
        lost = e.report().blocks();
        if (i == 4) {
          System.err.println(e.getMessage());
        }
      }
      System.out.println("lost " + lost);
      undo(where);
    }
  }

  private static void round(String where, boolean again) {
    switch (where) {
      case "static":
        handle = make(0);
        break;
      case "array":
        for (int i = 0; i < BLOCKS; i++) {
          HANDLES[i] = make(i);
        }
        break;
      case "field":
        for (int i = 0; i < BLOCKS; i++) {
          OBJECTS[i].handle = make(i);
        }
        break;
      default:
        open(where, again);
    }
  }

  /** Frees what is there, and leaves the handles as they are. */
  private static void undo(String where) {
    switch (where) {
      case "static":
        free(handle);
        break;
      case "array":
        for (long block : HANDLES) {
          free(block);
        }
        break;
      case "field":
        for (Closed object : OBJECTS) {
          free(object.handle);
        }
        break;
      default:
        close(where);
    }
  }
}
