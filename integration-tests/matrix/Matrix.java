import dev.hackleak.Checkpoint;
import dev.hackleak.HackLeak;
import dev.hackleak.LeakCheck;
import dev.hackleak.LeakError;
import dev.hackleak.LeakFrame;
import dev.hackleak.LeakReport;
import dev.hackleak.LeakSite;
import java.io.FileInputStream;
import java.io.IOException;
import java.lang.ref.Cleaner;
import java.lang.ref.WeakReference;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * What is run in each cell of the matrix.
 *
 * <p>{@code leak} plants blocks of unmistakable sizes in many ways, and {@code clean} does the same
 * and gives back. {@code verdict} checks in process, and prints what each check found. {@code end
 * HOW} ends in that way, with 2 blocks that nobody frees, 20 that a Cleaner frees, and one that a
 * shutdown hook frees.
 */
public class Matrix {
  private static final Cleaner CLEANER = Cleaner.create();
  private static boolean clean;
  private static volatile boolean done;
  private static long kept;
  private static long[] array;
  private static ByteBuffer buffer;

  static native long make(int bytes);

  static native void free(long block);

  static native long makeNew(int bytes);

  static native void freeNew(long block);

  static native long critical(byte[] array, int bytes);

  static native long reference(Object object);

  static native void dropReference(long reference);

  static native void inGlobal(long block);

  static native long pipe();

  static native void wake(long pipe);

  static native long makeAndLitter(int bytes);

  static native void freeTurned(long block);

  static native void terminate();

  private interface Body {
    void run() throws Exception;
  }

  public static void main(String[] arguments) throws Exception {
    HackLeak.checkpoint("start");
    System.load(System.getProperty("matrix.library"));
    switch (arguments[0]) {
      case "leak":
      case "clean":
        clean = arguments[0].equals("clean");
        plain();
        references();
        criticalSections();
        compiled();
        virtualThreads();
        unloadedClass();
        break;
      case "verdict":
        verdicts();
        break;
      case "end":
        end(arguments[1]);
        break;
      default:
        throw new IllegalArgumentException(arguments[0]);
    }
  }

  // What is planted, and given back by the clean twin.

  private static void back(long block) {
    if (clean) {
      free(block);
    }
  }

  private static void plain() {
    for (int i = 0; i < 2; i++) {
      back(make(1_999_993)); // here: malloc
    }
    for (int i = 0; i < 3; i++) {
      long block = makeNew(1_500_007); // here: new
      if (clean) {
        freeNew(block);
      }
    }
  }

  private static void references() {
    for (int i = 0; i < 5; i++) {
      long reference = reference(new Object()); // here: reference
      if (clean) {
        dropReference(reference);
      }
    }
  }

  private static void inCriticalSections() {
    for (int i = 0; i < 50; i++) {
      back(critical(new byte[1000 + i], 10_007)); // here: critical
    }
  }

  private static void criticalSections() throws InterruptedException {
    Thread collector =
        new Thread(
            () -> {
              while (!done) {
                System.gc();
              }
            });
    collector.start();
    all(4, Matrix::inCriticalSections);
    done = true;
    collector.join();
  }

  private static void all(int count, Runnable work) throws InterruptedException {
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Thread thread = new Thread(work);
      thread.start();
      threads.add(thread);
    }
    for (Thread thread : threads) {
      thread.join();
    }
  }

  private static long deeper(int depth, int bytes) {
    return depth == 0 ? make(bytes) : deeper(depth - 1, bytes);
  }

  /** Many short calls from stacks of changing depth, which are compiled in the middle of it. */
  private static void compiled() throws InterruptedException {
    all(
        4,
        () -> {
          for (int i = 0; i < 20_000; i++) {
            free(deeper(i % 20, 1 + i % 300));
          }
          back(deeper(10, 765_433)); // here: compiled
        });
  }

  private static void onVirtualThread() {
    back(make(10_037)); // here: before
    try {
      Thread.sleep(1);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    back(make(10_039)); // here: after
  }

  /** By reflection: releases before 21 have none. */
  private static void virtualThreads() throws Exception {
    if (Runtime.version().feature() < 21) {
      return;
    }
    Runnable work = Matrix::onVirtualThread;
    List<Thread> threads = new ArrayList<>();
    Method start = Thread.class.getMethod("startVirtualThread", Runnable.class);
    for (int i = 0; i < 100; i++) {
      threads.add((Thread) start.invoke(null, work));
    }
    for (Thread thread : threads) {
      thread.join();
    }
  }

  private static WeakReference<Class<?>> runAndDrop() throws Exception {
    URL[] folder = {Matrix.class.getProtectionDomain().getCodeSource().getLocation()};
    try (URLClassLoader loader = new URLClassLoader(folder, null)) {
      Class<?> type = loader.loadClass("MatrixUnloadable");
      type.getMethod("run", boolean.class).invoke(null, clean);
      return new WeakReference<>(type);
    }
  }

  private static void unloadedClass() throws Exception {
    WeakReference<Class<?>> dropped = runAndDrop();
    int rounds = Integer.getInteger("matrix.rounds", 3_000);
    for (int i = 0; i < rounds && dropped.get() != null; i++) {
      System.gc();
      Thread.sleep(10);
    }
    System.out.println(dropped.get() == null ? "class unloaded" : "class still there");
  }

  // The verdict's cases.

  private static void told(String what, Checkpoint since, boolean settles) {
    LeakReport report = HackLeak.leaksSince(since, LeakCheck.standard().settling(settles));
    System.out.println(what + ": " + report.blocks() + " lost, " + count(report.held()) + " held");
    report.notes().stream().filter(note -> note.contains("not known")).forEach(System.err::println);
    for (LeakSite site : report.sites()) {
      System.out.println("  lost " + site.bytes() + " " + site.verdict() + " at " + line(site));
    }
    for (LeakSite site : report.held()) {
      System.out.println("  held " + site.bytes() + " by " + site.holder().orElse("nobody"));
    }
  }

  /** The first frame of this program that has a line. */
  private static String line(LeakSite site) {
    for (LeakFrame frame : site.frames()) {
      if (frame.isJava() && frame.symbol().startsWith("Matrix.") && frame.line().isPresent()) {
        return frame.symbol() + ":" + frame.line().getAsInt();
      }
    }
    return "no line";
  }

  private static long count(List<LeakSite> sites) {
    return sites.stream().mapToLong(LeakSite::blocks).sum();
  }

  private static void check(String what, Body body) throws Exception {
    Checkpoint since = HackLeak.checkpoint(what);
    body.run();
    told(what, since, true);
  }

  private static void verdicts() throws Exception {
    check("clean", () -> free(make(1_000_003)));
    check("lost", () -> make(1_000_033)); // here: lost
    check("static", () -> kept = make(1_000_037));
    check("static, given back", () -> free(kept));
    check("static, emptied", () -> kept = emptied(make(1_000_039))); // here: emptied
    check("array", () -> array = new long[] {make(1_000_081)});
    check("global", () -> inGlobal(make(1_000_099)));
    check("global reference", () -> reference(new Object())); // here: global reference
    check("global reference, given back", () -> dropReference(reference(new Object())));
    check("buffer", () -> buffer = ByteBuffer.allocateDirect(1_000_120));
    check("buffer, garbage", () -> ByteBuffer.allocateDirect(1_000_136));
    check("cleaner", () -> own(1_000_133));
    whileAThreadReads();
    assertions();
  }

  private static long emptied(long block) {
    return block == 0 ? 1 : 0;
  }

  private static void own(int bytes) {
    long block = make(bytes);
    CLEANER.register(new Object(), () -> free(block));
  }

  /** Nothing holds the block but old words on the stack of a thread that waits in the JDK. */
  private static void whileAThreadReads() throws Exception {
    long pipe = pipe();
    Checkpoint since = HackLeak.checkpoint("read");
    long[] turned = new long[1];
    Thread reader =
        new Thread(
            () -> {
              try (FileInputStream in = new FileInputStream("/proc/self/fd/" + (int) pipe)) {
                turned[0] = makeAndLitter(1_000_151); // here: read
                in.read(new byte[100]);
              } catch (IOException e) {
                throw new IllegalStateException(e);
              }
            });
    reader.start();
    while (!reads(reader)) {
      Thread.sleep(10);
    }
    told("read", since, false);
    wake(pipe);
    reader.join();
    freeTurned(turned[0]);
  }

  private static boolean reads(Thread thread) {
    StackTraceElement[] frames = thread.getStackTrace();
    return frames.length > 0 && frames[0].getMethodName().equals("readBytes");
  }

  private static void assertions() {
    HackLeak.checkpoint("passes");
    free(make(1_999_993));
    HackLeak.assertNoLeaks();
    Checkpoint since = HackLeak.checkpoint("fails");
    make(1_999_993); // here: assertion
    try {
      HackLeak.assertNoLeaks(since);
      System.out.println("assertion: passed");
    } catch (LeakError e) {
      System.out.println("assertion: " + e.getMessage().split("\n")[0]);
    }
  }

  // The ends of a JVM.

  private static void end(String how) throws InterruptedException {
    for (int i = 0; i < 2; i++) {
      make(765_433); // here: end
    }
    for (int i = 0; i < 20; i++) {
      own(123_457);
    }
    long block = make(345_679); // here: hook
    Thread hook =
        new Thread(
            () -> {
              free(block);
              System.out.println("hook ran");
            });
    Runtime.getRuntime().addShutdownHook(hook);
    Thread daemon = new Thread(Matrix::goOn);
    daemon.setDaemon(true);
    daemon.start();
    System.out.println("started");
    switch (how) {
      case "return":
        return;
      case "exit":
        System.exit(3);
        break;
      case "halt":
        Runtime.getRuntime().halt(4);
        break;
      case "throw":
        throw new IllegalStateException("planned");
      case "term":
        terminate();
        Thread.sleep(100_000);
        break;
      default:
        throw new IllegalArgumentException(how);
    }
  }

  private static void goOn() {
    while (true) {
      free(make(54_321));
      try {
        Thread.sleep(1);
      } catch (InterruptedException e) {
        // The next round comes.
      }
    }
  }
}
