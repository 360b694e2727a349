import java.nio.ByteBuffer;

/** Towers of native and Java frames, reflection, and frames full of misleading numbers. */
class ChaosTowers {
  static final class Floor implements Chaos.Task {
    final Chaos.Step step;
    final int more;

    Floor(Chaos.Step step, int more) {
      this.step = step;
      this.more = more;
    }

    @Override
    public void run(int nest) {
      up(step, more);
    }
  }

  /** Java → native → Java, so many times; blocks are left on the way down too. */
  static void up(Chaos.Step step, int floors) {
    if (floors == 0) {
      Chaos.leave(step);
      return;
    }
    boolean leaves = step.random.nextInt(10) == 0;
    int before = leaves ? step.next() : 0;
    int after = leaves ? step.next() : 0;
    if (before != 0) {
      Chaos.expect(before, "back");
    }
    if (after != 0) {
      Chaos.expect(after, "back");
    }
    Chaos.back(before, after, new Floor(step, floors - 1));
  }

  /** Fills the stack with {@code v}, in interpreted and in compiled frames. */
  static long wide(
      Chaos.Step step, int depth, long a, long b, long c, long d, long e, long f, long g, long h, long i, long j) {
    if (depth > 0) {
      return wide(step, depth - 1, b, c, d, e, f, g, h, i, j, a) + a + b + c + d + e + f + g + h + i + j;
    }
    Chaos.leave(step);
    return ByteBuffer.allocateDirect(16).capacity() + a;
  }

  public static void reflected(Chaos.Step step) {
    Chaos.leave(step);
    Chaos.touch(42);
  }

  static void reflect(Chaos.Step step) throws Exception {
    java.lang.reflect.Method method = ChaosTowers.class.getDeclaredMethod("reflected", Chaos.Step.class);
    method.setAccessible(true);
    method.invoke(null, step);
  }
}
