import java.util.Random;

/**
 * Walks at random through Java and native code, leaves entries of returned calls behind, and fills its
 * frames with words that look like return addresses. Each leak has a size of its own; for each it
 * prints the size and its Java stack, leaf first.
 *
 * <pre>StaleEntries SEED LEAKS</pre>
 */
public class StaleEntries {
  static native void look(int pad);

  static native long address();

  static native void leak(int size);

  static native void nested(int depth, int pad);

  static final int FIRST_SIZE = 1_000_000;
  static Random random;
  static int leaks;
  static int wanted;
  static volatile long sink;
  static final StringBuilder OUT = new StringBuilder();

  static void plant() {
    if (leaks == wanted) {
      return;
    }
    int size = FIRST_SIZE + 16 * leaks++;
    leak(size);
    StringBuilder line = new StringBuilder().append(size).append(" leak");
    for (StackTraceElement frame : new Throwable().getStackTrace()) {
      line.append(' ').append(frame.getMethodName());
    }
    OUT.append(line).append('\n');
  }

  static void walk(int depth) {
    if (depth == 0 || leaks == wanted) {
      plant();
      return;
    }
    switch (random.nextInt(8)) {
      case 0:
        look(264 + 8 * random.nextInt(240));
        plant();
        walk(depth - 1);
        break;
      case 1:
        sink = fill(depth - 1, address());
        break;
      case 2:
        nested(depth - 1, 16 + 16 * random.nextInt(100));
        plant();
        break;
      case 3:
        thrown(depth - 1);
        break;
      case 4:
        look(264 + 8 * random.nextInt(240));
        sink = fill(depth - 1, address());
        break;
      case 5:
        plant();
        walk(depth - 1);
        walk(depth - 1);
        break;
      default:
        walk(depth - 1);
    }
  }

  /** Called by {@code nested}. The second argument says that a list of arguments came through whole. */
  static void back(int depth, double half) {
    if (half != 0.5) {
      throw new AssertionError("the arguments of a call back are wrong: " + half);
    }
    if (random.nextInt(4) == 0) {
      plant();
      throw new IllegalStateException("through native code");
    }
    walk(depth);
  }

  static void thrown(int depth) {
    try {
      nested(depth, 16 + 16 * random.nextInt(100));
    } catch (IllegalStateException expected) {
      plant();
    }
  }

  /** A large frame full of a word that looks like a return address. */
  static long fill(int depth, long v) {
    long v0 = v;
    long v1 = v;
    long v2 = v;
    long v3 = v;
    long v4 = v;
    long v5 = v;
    long v6 = v;
    long v7 = v;
    long v8 = v;
    long v9 = v;
    long v10 = v;
    long v11 = v;
    long v12 = v;
    long v13 = v;
    long v14 = v;
    long v15 = v;
    long v16 = v;
    long v17 = v;
    long v18 = v;
    long v19 = v;
    long v20 = v;
    long v21 = v;
    long v22 = v;
    long v23 = v;
    long v24 = v;
    long v25 = v;
    long v26 = v;
    long v27 = v;
    long v28 = v;
    long v29 = v;
    long v30 = v;
    long v31 = v;
    long v32 = v;
    long v33 = v;
    long v34 = v;
    long v35 = v;
    long v36 = v;
    long v37 = v;
    long v38 = v;
    long v39 = v;
    long v40 = v;
    long v41 = v;
    long v42 = v;
    long v43 = v;
    long v44 = v;
    long v45 = v;
    long v46 = v;
    long v47 = v;
    long v48 = v;
    long v49 = v;
    long v50 = v;
    long v51 = v;
    long v52 = v;
    long v53 = v;
    long v54 = v;
    long v55 = v;
    long v56 = v;
    long v57 = v;
    long v58 = v;
    long v59 = v;
    long v60 = v;
    long v61 = v;
    long v62 = v;
    long v63 = v;
    long v64 = v;
    long v65 = v;
    long v66 = v;
    long v67 = v;
    long v68 = v;
    long v69 = v;
    long v70 = v;
    long v71 = v;
    walk(depth);
    return v0 + v1 + v2 + v3 + v4 + v5 + v6 + v7 + v8 + v9 + v10 + v11 + v12 + v13 + v14 + v15 + v16 + v17 + v18 + v19 + v20 + v21 + v22 + v23 + v24 + v25 + v26 + v27 + v28 + v29 + v30 + v31 + v32 + v33 + v34 + v35 + v36 + v37 + v38 + v39 + v40 + v41 + v42 + v43 + v44 + v45 + v46 + v47 + v48 + v49 + v50 + v51 + v52 + v53 + v54 + v55 + v56 + v57 + v58 + v59 + v60 + v61 + v62 + v63 + v64 + v65 + v66 + v67 + v68 + v69 + v70 + v71;
  }

  public static void main(String[] args) {
    System.load(System.getProperty("victim.library"));
    random = new Random(Long.parseLong(args[0]));
    wanted = Integer.parseInt(args[1]);
    while (leaks < wanted) {
      try {
        walk(1 + random.nextInt(14));
      } catch (IllegalStateException expected) {
        plant();
      }
    }
    System.out.print(OUT);
  }
}
