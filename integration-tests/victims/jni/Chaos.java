import java.io.FileOutputStream;
import java.io.IOException;
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

  static native void lookUp(int pad, long seed);

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
    final boolean looksUp;

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
      looksUp = get("looks-up", "no").equals("yes");
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
