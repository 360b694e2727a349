import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Random;

/**
 * Interprets a script of the chaos suite on a JVM: {@code Chaos SCRIPT SAID STACKS}.
 *
 * <p>Each block that stays has a size of its own, and before it is planted the Java stack is written to STACKS as the JVM
 * tells it: {@code SIZE Class.method;…}, innermost first, with a {@code *} at the end where what lies below is the JVM's
 * own business (virtual threads). SAID gets a line for each step, which does not depend on whether the process is recorded.
 */
public class Chaos {
  static native void touch(int size);

  static native void plant(int size);

  static native int back(int before, int after, Task task);

  static native void throwing(int size);

  static native void through(int size, int after, Task task, boolean clear);

  static native void jump(int size, int depth);

  static native void garbled(int size, Task task, long seed);

  static native long misleading(int which);

  static native void critical(byte[] array, int size);

  static native void attached(int threads, int size, int step);

  static native ByteBuffer wrap(int size);

  static native void lookUp(int pad);

  static native void raise(int signal);

  static final class Odd extends RuntimeException {
    Odd(String message) {
      super(message);
    }
  }

  static FileOutputStream said;
  static FileOutputStream stacks;
  static final List<Object> KEPT = new java.util.ArrayList<>();
  static volatile boolean ends;

  static final int LIE = 123_457;

  static synchronized void write(FileOutputStream file, String line) {
    try {
      file.write((line + "\n").getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Says where the block of that size will be planted: in that native method, called by the caller of this. */
  static void expect(int size, String nativeMethod) {
    StackTraceElement[] trace = Thread.currentThread().getStackTrace();
    StringBuilder line = new StringBuilder().append(size).append(' ').append("Chaos.").append(nativeMethod);
    for (int i = 2; i < trace.length; i++) {
      line.append(';').append(trace[i].getClassName()).append('.').append(trace[i].getMethodName());
    }
    if (Thread.currentThread().getClass().getName().contains("Virtual")) {
      line.append(";*");
    }
    write(stacks, line.toString());
  }

  /** What a step still has to leave, and its random choices. */
  public static final class Step {
    final String line;
    final ArrayDeque<Integer> sizes = new ArrayDeque<>();
    public final Random random;
    final int rounds;
    final int depth;
    final int nest;

    Step(String line) {
      this.line = line;
      for (String size : get("leave", "").split(",")) {
        if (!size.isEmpty()) {
          sizes.add(Integer.parseInt(size));
        }
      }
      random = new Random(Long.parseUnsignedLong(get("seed", "1")));
      rounds = Integer.parseInt(get("rounds", "10"));
      depth = Integer.parseInt(get("depth", "8"));
      nest = Integer.parseInt(get("nest", "3"));
    }

    String name() {
      return line.split(" ")[0];
    }

    String get(String key, String otherwise) {
      for (String word : line.split(" ")) {
        if (word.startsWith(key + "=")) {
          return word.substring(key.length() + 1);
        }
      }
      return otherwise;
    }

    /** The next size to leave, or 0. */
    synchronized int next() {
      Integer size = sizes.poll();
      return size == null ? 0 : size;
    }
  }

  public static void leave(Step step) {
    int size = step.next();
    if (size != 0) {
      expect(size, "plant");
      plant(size);
    }
  }

  static void leaveRest(Step step) {
    while (!step.sizes.isEmpty()) {
      leave(step);
    }
  }

  // Walks: Java frames of several shapes above each action.

  public interface Task {
    void run(int nest);
  }

  static final class Again implements Task {
    final Step step;
    final boolean throwsOdd;

    Again(Step step, boolean throwsOdd) {
      this.step = step;
      this.throwsOdd = throwsOdd;
    }

    @Override
    public void run(int nest) {
      walk(step, step.random.nextInt(step.depth + 1), nest);
      if (throwsOdd) {
        throw new Odd("from an upcall");
      }
    }
  }

  public static int walk(Step step, int depth, int nest) {
    if (depth <= 0) {
      return ChaosPieces.act(step, nest);
    }
    switch (step.random.nextInt(4)) {
      case 0:
        return left(step, depth - 1, nest, depth, 1.5) + 1;
      case 1:
        return right(step, depth - 1, nest) + 1;
      case 2:
        return guarded(step, depth - 1, nest) + 1;
      default:
        return walk(step, depth - 1, nest) + 1;
    }
  }

  static int left(Step step, int depth, int nest, long wide, double real) {
    int result = walk(step, depth, nest);
    return wide > 100_000 && real < 0 ? 0 : result;
  }

  static int right(Step step, int depth, int nest) {
    int sum = 0;
    for (int i = 0; i < 3; i++) {
      sum += i == 1 ? walk(step, depth, nest) : 1;
    }
    return sum;
  }

  static int guarded(Step step, int depth, int nest) {
    try {
      return walk(step, depth, nest);
    } finally {
      touch(34);
    }
  }

  // The pieces, and the threads that they run in.

  static final class InThread implements Runnable {
    final Step step;
    Throwable failed;

    InThread(Step step) {
      this.step = step;
    }

    @Override
    public void run() {
      try {
        ChaosPieces.piece(step);
      } catch (Throwable e) {
        failed = e;
      }
    }
  }

  static void run(Step step) throws Exception {
    String in = step.get("in", "main");
    if (in.equals("main")) {
      ChaosPieces.piece(step);
      return;
    }
    InThread work = new InThread(step);
    Thread thread;
    if (in.equals("virtual")) {
      thread = (Thread) Thread.class.getMethod("startVirtualThread", Runnable.class).invoke(null, work);
    } else {
      thread = new Thread(null, work, "chaos", 4 << 20);
      thread.start();
    }
    thread.join();
    if (work.failed != null) {
      throw new IllegalStateException(work.failed);
    }
  }

  /** Makes garbage and touches native memory until the end. */
  static final class Background extends Thread {
    @Override
    public void run() {
      Object[] ring = new Object[500];
      for (int i = 0; !ends; i++) {
        ring[i % 500] = new byte[64 + i % 4000];
        if (i % 64 == 0) {
          touch(2 + 2 * (i % 100));
        }
        if (i % 20_000 == 0) {
          System.gc();
        }
        if (i % 500 == 0) {
          Thread.yield();
        }
      }
    }
  }

  public static void main(String[] args) throws Exception {
    System.load(System.getProperty("victim.library"));
    said = new FileOutputStream(args[1], true);
    stacks = new FileOutputStream(args[2], true);
    List<String> lines = Files.readAllLines(Paths.get(args[0]));
    for (int i = 0; i + 1 < lines.size(); i++) {
      Step step = new Step(lines.get(i));
      run(step);
      write(said, i + " " + step.name());
    }
    end(new Step(lines.get(lines.size() - 1)));
  }

  static final class Last extends Thread {
    final Step step;

    Last(Step step) {
      this.step = step;
    }

    @Override
    public void run() {
      leaveRest(step);
      write(said, "shutdown hook");
    }
  }

  static void end(Step step) throws InterruptedException {
    ends = !step.get("background", "").equals("runs");
    String how = step.get("how", "return");
    int code = Integer.parseInt(step.get("code", "0"));
    write(said, "end " + how);
    if (step.get("hook", "").equals("yes")) {
      Runtime.getRuntime().addShutdownHook(new Last(step));
    } else {
      leaveRest(step);
    }
    switch (how) {
      case "lies":
        // Proves that the harness sees a stack that is not the one that was written.
        write(stacks, LIE + " Chaos.plant;Chaos.nobody;Chaos.main");
        plant(LIE);
        break;
      case "exit":
        System.exit(code);
        break;
      case "halt":
        Runtime.getRuntime().halt(code);
        break;
      case "signal":
        raise(code);
        // The JVM ends in a thread of its own.
        Thread.sleep(3_600_000);
        break;
      case "uncaught":
        throw new Odd("to the end");
      default:
        break;
    }
  }
}

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
          Chaos.lookUp(64 + 16 * step.random.nextInt(200));
          long v = Chaos.misleading(step.random.nextInt(8));
          ChaosTowers.wide(step, step.random.nextInt(step.depth + 1), v, v, v, v, v, v, v, v, v, v);
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
        Chaos.lookUp(64 + 16 * random.nextInt(100));
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

/** Is loaded by many loaders, and unloaded with them. */
class ChaosUnloadable implements Chaos.Task {
  final Chaos.Step step;

  public ChaosUnloadable(Chaos.Step step) {
    this.step = step;
  }

  @Override
  public void run(int nest) {
    if (nest > 0) {
      run(nest - 1);
    } else {
      Chaos.walk(step, step.random.nextInt(4), 1);
      Chaos.leave(step);
    }
  }
}
