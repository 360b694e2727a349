import dev.hackleak.LeakCheck;
import dev.hackleak.LeakWatch;
import dev.hackleak.LimitError;
import java.lang.reflect.Field;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.zip.Deflater;
import sun.misc.Unsafe;

/**
 * "Tests" that have a known amount of native memory at their peak. For each it prints that peak and
 * the allocations, as the watch over the test has counted them; then what exact limits come to.
 */
public class Peaks {
  static final int SIZE = 1_999_993;
  static final int MALLOC = 0;
  static final int NEW = 1;
  static final int MAPPED = 2;
  static final LeakCheck NONE_AT_ALL = LeakCheck.ofLimits().peakBytes(0).allocations(0);

  static Unsafe unsafe;
  static ExecutorService older;

  static native long take(int kind, int bytes);

  static native void give(int kind, long at, int bytes);

  static native long grow(long at, int bytes);

  static native void refer(Object object);

  static void takeAndGive(int bytes) {
    give(MALLOC, take(MALLOC, bytes), bytes);
  }

  interface Body {
    void run() throws Exception;
  }

  static String counted(LeakWatch watch) {
    try {
      watch.end();
      return "nothing";
    } catch (LimitError error) {
      return error.peakBytes() + " bytes, " + error.allocations();
    }
  }

  static String counted(Body body) throws Exception {
    LeakWatch watch = LeakWatch.begin("a test", NONE_AT_ALL, false);
    body.run();
    return counted(watch);
  }

  static void test(String name, Body body) throws Exception {
    System.out.println(name + ": " + counted(body));
  }

  static void await(CyclicBarrier barrier) {
    try {
      barrier.await();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  static Thread start(Runnable code) {
    Thread thread = new Thread(code);
    thread.start();
    return thread;
  }

  static void elsewhere(Runnable code) throws Exception {
    older.submit(code).get();
  }

  static void kinds() {
    long first = take(MALLOC, SIZE);
    long second = take(NEW, 2 * SIZE);
    long third = unsafe.allocateMemory(3L * SIZE);
    long fourth = take(MAPPED, 16384);
    unsafe.freeMemory(third);
    give(MAPPED, fourth, 16384);
    give(NEW, second, 2 * SIZE);
    give(MALLOC, first, SIZE);
    takeAndGive(3 * SIZE);
  }

  static void twoThreads() throws InterruptedException {
    CyclicBarrier both = new CyclicBarrier(2);
    Thread[] threads = new Thread[2];
    for (int i = 0; i < 2; i++) {
      int bytes = (i + 1) * SIZE;
      threads[i] =
          start(
              () -> {
                long at = take(NEW, bytes);
                await(both);
                give(NEW, at, bytes);
                await(both);
                takeAndGive(SIZE);
              });
    }
    for (Thread thread : threads) {
      thread.join();
    }
  }

  /** None of the threads has more than one block, so the one at the end is the peak. */
  static void manyThreads() throws InterruptedException {
    Thread[] threads = new Thread[4];
    for (int i = 0; i < threads.length; i++) {
      threads[i] =
          start(
              () -> {
                for (int k = 1; k <= 5000; k++) {
                  takeAndGive(k % 997 + 1);
                }
              });
    }
    for (Thread thread : threads) {
      thread.join();
    }
    takeAndGive(SIZE);
  }

  static void parallel() throws InterruptedException {
    CyclicBarrier both = new CyclicBarrier(2);
    String[] counted = new String[2];
    Thread[] threads = new Thread[2];
    for (int i = 0; i < 2; i++) {
      int number = i;
      threads[i] =
          start(
              () -> {
                LeakWatch watch = LeakWatch.begin("test " + number, NONE_AT_ALL, true);
                await(both);
                long at = take(MALLOC, (number + 1) * SIZE);
                await(both);
                give(MALLOC, at, 0);
                takeAndGive(7);
                await(both);
                counted[number] = counted(watch);
              });
    }
    for (Thread thread : threads) {
      thread.join();
    }
    System.out.println("parallel: " + String.join("; ", counted));
  }

  static void nested() {
    LeakWatch outer = LeakWatch.begin("outer", NONE_AT_ALL, false);
    long before = take(MALLOC, SIZE);
    LeakWatch inner = LeakWatch.begin("inner", NONE_AT_ALL, false);
    long at = take(MALLOC, SIZE);
    give(MALLOC, before, SIZE);
    long again = take(MALLOC, SIZE);
    String ofInner = counted(inner);
    give(MALLOC, at, SIZE);
    give(MALLOC, again, SIZE);
    System.out.println("nested: " + ofInner + "; " + counted(outer));
  }

  /** Each round gives back what the one before has taken. */
  static void rounds() throws Throwable {
    LeakWatch watch = LeakWatch.begin("rounds", NONE_AT_ALL, false);
    long[] kept = {take(MALLOC, 5 * SIZE)};
    int[] round = {0};
    watch.rounds(
        1,
        3,
        () -> {
          give(MALLOC, kept[0], 0);
          kept[0] = take(MALLOC, round[0]++ == 0 ? 9 * SIZE : SIZE);
        });
    give(MALLOC, kept[0], SIZE);
    takeAndGive(6 * SIZE);
    System.out.println("rounds: " + counted(watch));
  }

  static void limit(LeakCheck check) {
    LeakWatch watch = LeakWatch.begin("limited", check, false);
    takeAndGive(SIZE);
    takeAndGive(SIZE);
    try {
      watch.end();
      System.out.println("within");
    } catch (LimitError error) {
      System.out.println(error.getMessage());
    }
  }

  public static void main(String[] args) throws Throwable {
    System.load(System.getProperty("victim.library"));
    Field field = Unsafe.class.getDeclaredField("theUnsafe");
    field.setAccessible(true);
    unsafe = (Unsafe) field.get(null);
    older = Executors.newSingleThreadExecutor();
    elsewhere(() -> takeAndGive(1));
    new Deflater().end();

    test("none", () -> refer("a"));
    test("one", () -> takeAndGive(SIZE));
    test("all kinds", Peaks::kinds);
    long old = take(MALLOC, 7 * SIZE);
    test(
        "older",
        () -> {
          give(MALLOC, old, 7 * SIZE);
          takeAndGive(SIZE);
        });
    test(
        "freed elsewhere",
        () -> {
          long at = take(MALLOC, SIZE);
          elsewhere(() -> give(MALLOC, at, SIZE));
          takeAndGive(SIZE - 1);
        });
    test(
        "not the test's",
        () -> {
          elsewhere(() -> takeAndGive(9 * SIZE));
          takeAndGive(SIZE);
        });
    test(
        "grown",
        () -> {
          long at = grow(take(MALLOC, SIZE), 3 * SIZE);
          give(MALLOC, at, 3 * SIZE);
        });
    test("two threads", Peaks::twoThreads);
    test("many threads", Peaks::manyThreads);
    parallel();
    nested();
    rounds();
    String[] zip = counted(() -> new Deflater().end()).split(" ");
    System.out.println("zip: " + (Long.parseLong(zip[0]) > 200_000));

    limit(LeakCheck.ofLimits().peakBytes(SIZE).allocations(2));
    limit(LeakCheck.ofLimits().peakBytes(SIZE - 1));
    limit(LeakCheck.ofLimits().allocations(1));
    older.shutdown();
  }
}
