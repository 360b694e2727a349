import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Random;

/** What happens at the end of a walk. */
class ChaosPieces {
  static void piece(Chaos.Step step) throws Exception {
    switch (step.name()) {
      case "walk":
        for (int i = 0; i < step.rounds; i++) {
          Chaos.walk(step, step.random.nextInt(step.depth + 1), step.nest);
        }
        break;
      case "gc":
        for (int i = 0; i < step.rounds; i++) {
          Chaos.leave(step);
          System.gc();
        }
        break;
      case "background":
        Thread background = new Chaos.Background();
        background.setDaemon(true);
        background.start();
        break;
      case "attached":
        Chaos.attached(step.rounds % 5 + 1, 60, keepStep(step));
        break;
      case "unload":
        for (int i = 0; i < step.rounds; i++) {
          unload(step);
        }
        break;
      case "buffers":
        buffers(step);
        break;
      case "threads":
        threads(step);
        break;
      case "look-up":
        for (int i = 0; i < step.rounds; i++) {
          long v = Chaos.misleading(step.random.nextInt(8));
          int depth = step.random.nextInt(step.depth + 1);
          // No native method in between: its call would end what was noted.
          Chaos.lookUp(64 + 16 * step.random.nextInt(200), step.random.nextLong());
          ChaosTowers.wide(step, depth, v, v, v, v, v, v, v, v, v, v);
        }
        break;
      case "tower":
        for (int i = 0; i < step.rounds % 4 + 1; i++) {
          ChaosTowers.up(step, 1 + step.random.nextInt(step.depth));
        }
        break;
      case "reflect":
        for (int i = 0; i < step.rounds; i++) {
          ChaosTowers.reflect(step);
        }
        break;
      default:
        throw new IllegalArgumentException(step.line);
    }
    Chaos.leaveRest(step);
  }

  static int act(Chaos.Step step, int nest) {
    Random random = step.random;
    int what = random.nextInt(nest > 0 ? 13 : 9);
    boolean leaves = random.nextInt(3) == 0;
    int size = leaves ? step.next() : 0;
    switch (what) {
      case 0:
      case 1:
        plantOrTouch(size);
        return 1;
      case 2:
        if (size != 0) {
          Chaos.expect(size, "throwing");
        }
        try {
          Chaos.throwing(size);
        } catch (Chaos.Odd e) {
          return e.getMessage().length();
        }
        throw new IllegalStateException("nothing was thrown");
      case 3:
        if (size != 0) {
          Chaos.expect(size, "jump");
        }
        Chaos.jump(size, random.nextInt(30));
        return 3;
      case 4:
        byte[] array = new byte[100 + random.nextInt(5000)];
        if (size != 0) {
          Chaos.expect(size, "critical");
        }
        Chaos.critical(array, size);
        return array[0];
      case 5:
        if (random.nextInt(20) == 0) {
          System.gc();
        }
        plantOrTouch(size);
        return 5;
      case 6:
        Chaos.touch(2 + 2 * random.nextInt(500));
        plantOrTouch(size);
        Chaos.touch(2 + 2 * random.nextInt(500));
        return 6;
      case 7:
        if (step.looksUp) {
          Chaos.lookUp(64 + 16 * random.nextInt(100), random.nextLong());
        }
        plantOrTouch(size);
        return 7;
      case 8:
        if (size != 0) {
          Chaos.expect(size, "garbled");
        }
        Chaos.garbled(size, nest > 0 ? new Chaos.Again(step, false) : null, random.nextLong());
        return 8;
      case 9:
      case 10:
        return nested(step, nest, size);
      default:
        return thrownThrough(step, nest, size, what == 11);
    }
  }

  static void plantOrTouch(int size) {
    if (size != 0) {
      Chaos.expect(size, "plant");
      Chaos.plant(size);
    } else {
      Chaos.touch(46);
    }
  }

  static int nested(Chaos.Step step, int nest, int size) {
    int after = step.next();
    if (size != 0) {
      Chaos.expect(size, "back");
    }
    if (after != 0) {
      Chaos.expect(after, "back");
    }
    return Chaos.back(size, after, new Chaos.Again(step, false)) + nest;
  }

  static int thrownThrough(Chaos.Step step, int nest, int size, boolean clear) {
    int after = clear ? step.next() : 0;
    if (size != 0) {
      Chaos.expect(size, "through");
    }
    if (after != 0) {
      Chaos.expect(after, "through");
    }
    try {
      Chaos.through(size, after, new Chaos.Again(step, true), clear);
    } catch (Chaos.Odd e) {
      return clear ? -1000 : 9;
    }
    return 10;
  }

  // Native threads that attach themselves call this.

  static final List<Chaos.Step> STEPS = new java.util.ArrayList<>();

  static int keepStep(Chaos.Step step) {
    STEPS.add(step);
    return STEPS.size() - 1;
  }

  static void fromNativeThread(int number) {
    Chaos.Step step = STEPS.get(number);
    Chaos.leave(step);
    Chaos.touch(58);
    deeper(step, 5);
  }

  static void deeper(Chaos.Step step, int depth) {
    if (depth > 0) {
      deeper(step, depth - 1);
    } else {
      Chaos.leave(step);
    }
  }

  /** Defines {@link ChaosUnloadable} anew each time. */
  static final class Loader extends ClassLoader {
    Class<?> define() throws IOException {
      try (InputStream in = Chaos.class.getResourceAsStream("ChaosUnloadable.class")) {
        byte[] bytes = in.readAllBytes();
        return defineClass("ChaosUnloadable", bytes, 0, bytes.length);
      }
    }
  }

  static void unload(Chaos.Step step) throws Exception {
    Class<?> type = new Loader().define();
    java.lang.reflect.Constructor<?> constructor = type.getConstructor(Chaos.Step.class);
    constructor.setAccessible(true);
    Chaos.Task task = (Chaos.Task) constructor.newInstance(step);
    task.run(step.random.nextInt(4));
    if (step.random.nextInt(6) == 0) {
      System.gc();
    }
  }

  static void buffers(Chaos.Step step) {
    for (int i = 0; i < step.rounds; i++) {
      ByteBuffer buffer = ByteBuffer.allocateDirect(2 + 2 * step.random.nextInt(2000));
      buffer.put(0, (byte) 1);
      int size = step.next();
      if (size != 0) {
        Chaos.expect(size, "wrap");
        Chaos.KEPT.add(Chaos.wrap(size));
      }
    }
  }

  static final class Walker extends Thread {
    final Chaos.Step step;
    final long seed;

    Walker(Chaos.Step step, long seed) {
      this.step = step;
      this.seed = seed;
    }

    @Override
    public void run() {
      // A step of its own, which shares what is to be left.
      Chaos.Step own = new Chaos.Step(step.line.replaceAll("leave=\\S*", "") + " seed=" + seed);
      for (int i = 0; i < step.rounds; i++) {
        Chaos.walk(own, own.random.nextInt(own.depth + 1), own.nest);
        Chaos.leave(step);
      }
    }
  }

  static void threads(Chaos.Step step) throws InterruptedException {
    Thread[] all = new Thread[4];
    for (int i = 0; i < all.length; i++) {
      all[i] = new Walker(step, step.random.nextLong() >>> 1);
      all[i].start();
    }
    for (Thread each : all) {
      each.join();
    }
  }
}
