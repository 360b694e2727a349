import dev.hackleak.HackLeak;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.IntUnaryOperator;

/**
 * Walks at random through Java and native code and allocates at every turn, while methods are compiled, thrown away and
 * compiled again, and garbage is collected.
 *
 * <pre>JavaStacks SEED STEPS</pre>
 */
public class JavaStacks {
  static native void touch(int size);

  static native void back(Random random, int depth);

  interface Shape {
    int area(Random random, int depth);
  }

  static final class Square implements Shape {
    @Override
    public int area(Random random, int depth) {
      touch(11);
      return walk(random, depth) * 2;
    }
  }

  static final class Circle implements Shape {
    @Override
    public int area(Random random, int depth) {
      int sum = walk(random, depth);
      touch(12);
      return sum * 3;
    }
  }

  /** Loaded late: what was compiled for one or two shapes is thrown away. */
  static final class Late implements Shape {
    @Override
    public int area(Random random, int depth) {
      touch(13);
      touch(14);
      return walk(random, depth);
    }
  }

  static volatile Shape[] shapes = {new Square()};
  static volatile Object garbage;

  static int walk(Random random, int depth) {
    if (depth == 0) {
      touch(1);
      return 1;
    }
    switch (random.nextInt(9)) {
      case 0:
        return loop(random, depth);
      case 1:
        return middle(random, depth - 1) + 1;
      case 2:
        touch(2);
        return walk(random, depth - 1);
      case 3:
        Shape[] now = shapes;
        return now[random.nextInt(now.length)].area(random, depth - 1);
      case 4:
        back(random, depth - 1);
        return 4;
      case 5:
        IntUnaryOperator operator = x -> walk(random, x);
        return operator.applyAsInt(depth - 1);
      case 6:
        try {
          return thrown(random, depth - 1);
        } catch (IllegalStateException e) {
          touch(3);
          return 3;
        }
      case 7:
        garbage = new int[random.nextInt(1000)];
        touch(4);
        touch(5);
        return 1;
      default:
        int sum = walk(random, depth - 1);
        touch(6);
        return sum + walk(random, depth - 1);
    }
  }

  static int loop(Random random, int depth) {
    int sum = 0;
    long wide = random.nextLong();
    for (int i = 0; i < 20; i++) {
      touch(7);
      wide = wide * 31 + i;
      if ((wide & 7) == 0) {
        touch(8);
      }
      sum += (int) wide;
    }
    return sum + walk(random, depth - 1);
  }

  static int middle(Random random, int depth) {
    Object held = new Object();
    synchronized (held) {
      touch(9);
      return walk(random, depth);
    }
  }

  static int thrown(Random random, int depth) {
    int sum = walk(random, depth);
    if (random.nextBoolean()) {
      throw new IllegalStateException();
    }
    touch(10);
    return sum;
  }

  static void run(long seed, int steps) {
    Random random = new Random(seed);
    for (int step = 0; step < steps; step++) {
      walk(random, 1 + random.nextInt(12));
      if (step == steps / 3) {
        shapes = new Shape[] {new Square(), new Circle()};
      }
      if (step == steps / 2) {
        shapes = new Shape[] {new Square(), new Circle(), new Late()};
      }
      if (step % (steps / 10) == 0) {
        System.gc();
      }
    }
  }

  public static void main(String[] args) throws Exception {
    System.load(System.getProperty("victim.library"));
    HackLeak.checkpoint("start");
    long seed = Long.parseLong(args[0]);
    int steps = Integer.parseInt(args[1]);
    List<Thread> threads = new ArrayList<>();
    for (int i = 1; i <= 3; i++) {
      long own = seed + i;
      Runnable task = () -> run(own, steps);
      Thread thread = new Thread(task);
      if (i == 3) {
        try {
          thread = (Thread) Thread.class.getMethod("startVirtualThread", Runnable.class).invoke(null, task);
        } catch (NoSuchMethodException older) {
          thread.start();
        }
      } else {
        thread.start();
      }
      threads.add(thread);
    }
    run(seed, steps);
    for (Thread thread : threads) {
      thread.join();
    }
    System.out.println("walked");
  }
}
