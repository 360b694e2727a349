import dev.hackleak.Checkpoint;
import dev.hackleak.HackLeak;
import dev.hackleak.LeakCheck;
import dev.hackleak.LeakReport;
import dev.hackleak.LeakSite;
import java.util.ArrayList;
import java.util.List;
import java.util.Timer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeUnit;

/**
 * Starts threads in every way that Java and native code have. For each it prints how many are
 * reported while they run, with their names, and how many once they have ended.
 */
public class Started {
  /** Starts so many native threads, which run until they are told to end. */
  static native void start(int times);

  /** Ends them; joins them if that is wanted. */
  static native void end(boolean join);

  interface Ending {
    void end() throws Exception;
  }

  interface Starting {
    Ending start() throws Exception;
  }

  static final CountDownLatch never = new CountDownLatch(1);

  static void waitForever() {
    try {
      never.await();
    } catch (InterruptedException e) {
      // Told to end.
    }
  }

  static List<LeakSite> threads(Checkpoint since) {
    LeakReport report = HackLeak.leaksSince(since, LeakCheck.standard());
    List<LeakSite> sites = new ArrayList<>();
    for (LeakSite site : report.sites()) {
      if (site.kind().equals("thread")) {
        sites.add(site);
      }
    }
    return sites;
  }

  static long count(List<LeakSite> sites) {
    return sites.stream().mapToLong(LeakSite::blocks).sum();
  }

  static void sort(String name, Starting starting) throws Exception {
    starting.start().end();
    HackLeak.settle();
    Checkpoint since = HackLeak.checkpoint(name);
    Ending ending = starting.start();
    List<LeakSite> running = threads(since);
    System.out.print(name + ": " + count(running));
    if (!running.isEmpty()) {
      LeakSite site = running.get(0);
      System.out.print(" by " + site.owner().map(Object::toString).orElse("nobody"));
    }
    ending.end();
    System.out.println(", then " + count(threads(since)));
  }

  static Ending javaThreads() {
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      Thread thread = new Thread(Started::waitForever, "worker with a long name " + i);
      thread.start();
      threads.add(thread);
    }
    return () -> {
      for (Thread thread : threads) {
        thread.interrupt();
        thread.join();
      }
    };
  }

  static Ending executor() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(3);
    for (int i = 0; i < 3; i++) {
      pool.submit(() -> 0).get();
    }
    return () -> {
      pool.shutdown();
      pool.awaitTermination(60, TimeUnit.SECONDS);
    };
  }

  static Ending timer() {
    Timer timer = new Timer();
    return () -> {
      timer.cancel();
      // Nobody can wait for the end of a timer.
      Thread.sleep(200);
    };
  }

  static Ending forkJoin() throws Exception {
    ForkJoinPool pool = new ForkJoinPool(1);
    pool.submit(() -> 0).get();
    return () -> {
      pool.shutdown();
      pool.awaitTermination(60, TimeUnit.SECONDS);
    };
  }

  /** What the JDK starts for itself and keeps is nobody's leak. */
  static Ending ofTheJdk() throws Exception {
    CompletableFuture.supplyAsync(() -> 0).get();
    new ProcessBuilder("true").start().waitFor();
    return () -> {};
  }

  static Ending nativeThreads() {
    start(4);
    return () -> end(true);
  }

  static Ending neverJoined() {
    start(4);
    return () -> end(false);
  }

  public static void main(String[] args) throws Exception {
    System.load(System.getProperty("victim.library"));
    sort("java", Started::javaThreads);
    sort("executor", Started::executor);
    sort("timer", Started::timer);
    sort("forkjoin", Started::forkJoin);
    sort("jdk", Started::ofTheJdk);
    sort("native", Started::nativeThreads);
    sort("unjoined", Started::neverJoined);
    Checkpoint since = HackLeak.checkpoint("names");
    javaThreads();
    try {
      HackLeak.assertNoLeaks(since);
    } catch (AssertionError e) {
      for (String line : e.getMessage().split("\n")) {
        if (line.contains("thread")) {
          System.out.println(line.trim());
        }
      }
    }
    System.out.flush();
    Runtime.getRuntime().halt(0);
  }
}
