import dev.hackleak.Checkpoint;
import dev.hackleak.HackLeak;
import dev.hackleak.LeakCheck;
import dev.hackleak.LeakReport;
import dev.hackleak.LeakScope;
import dev.hackleak.LeakSite;
import java.io.Closeable;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.channels.FileChannel;
import java.nio.channels.Pipe;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;

/**
 * Opens what Java and native code can open. For each sort it prints what is lost and what is held: kept
 * in a static field, dropped, closed.
 */
public class Descriptors {
  static native void opened(int times, boolean release);

  static native void used();

  static native void keep(int times);

  static native void drop(boolean release);

  interface Opening {
    AutoCloseable open() throws Exception;
  }

  static final List<Object> kept = new ArrayList<>();
  static final Path FILE = Paths.get("/proc/self/status");

  static long descriptors(List<LeakSite> sites) {
    long count = 0;
    for (LeakSite site : sites) {
      count += site.kind().equals("file descriptor") ? site.blocks() : 0;
    }
    return count;
  }

  static String lostAndHeld(LeakReport report) {
    return descriptors(report.sites()) + " lost, " + descriptors(report.held()) + " held";
  }

  static void sort(String name, Opening opening) throws Exception {
    // What the JDK makes at the first use of each class stays.
    opening.open().close();
    HackLeak.settle();
    Checkpoint since = HackLeak.checkpoint(name);
    for (int i = 0; i < 7; i++) {
      opening.open().close();
    }
    String closed = lostAndHeld(HackLeak.leaksSince(since));
    since = HackLeak.checkpoint(name);
    for (int i = 0; i < 7; i++) {
      kept.add(opening.open());
    }
    String held = lostAndHeld(HackLeak.leaksSince(since));
    for (Object each : kept) {
      ((AutoCloseable) each).close();
    }
    kept.clear();
    String later = lostAndHeld(HackLeak.leaksSince(since));
    since = HackLeak.checkpoint(name);
    for (int i = 0; i < 7; i++) {
      opening.open();
    }
    // Cleaners of the JDK close some of them.
    LeakReport report = HackLeak.leaksSince(since, LeakCheck.standard().settling(true));
    String dropped = lostAndHeld(report);
    report.held().forEach(site -> System.err.println(site + " held by " + site.holder()));
    report.notes().forEach(System.err::println);
    System.out.println(
        name + ": closed " + closed + "; kept " + held + ", then " + later + "; dropped " + dropped);
  }

  static void fromNativeCode() {
    Checkpoint since = HackLeak.checkpoint("native");
    opened(1000, true);
    System.out.println("native: " + lostAndHeld(HackLeak.leaksSince(since)));
    opened(12, false);
    LeakReport report = HackLeak.leaksSince(since);
    System.out.println("native: " + lostAndHeld(report));
    for (String line : report.toString().split("\n")) {
      if (line.contains("file descriptors:")) {
        System.out.println(line);
      }
    }
  }

  static void keptByNativeCode() {
    Checkpoint since = HackLeak.checkpoint("first use");
    used();
    System.out.println("first use: " + lostAndHeld(HackLeak.leaksSince(since)));
    since = HackLeak.checkpoint("database");
    keep(11);
    String kept = lostAndHeld(HackLeak.leaksSince(since));
    drop(true);
    String closed = lostAndHeld(HackLeak.leaksSince(since));
    since = HackLeak.checkpoint("database");
    keep(11);
    drop(false);
    String dropped = lostAndHeld(HackLeak.leaksSince(since));
    System.out.println("database: kept " + kept + "; closed " + closed + "; dropped " + dropped);
  }

  static void inParallel() throws Exception {
    Checkpoint since = HackLeak.checkpoint("parallel");
    String[] results = new String[2];
    Thread[] tests = new Thread[2];
    for (int test = 0; test < 2; test++) {
      int number = test;
      tests[test] =
          new Thread(
              () -> {
                try (LeakScope scope = HackLeak.scope("test " + number)) {
                  opened(300, true);
                  opened(number * 9, false);
                  LeakCheck check = LeakCheck.standard().inScope(scope);
                  results[number] = lostAndHeld(HackLeak.leaksSince(since, check));
                }
              });
      tests[test].start();
    }
    for (Thread test : tests) {
      test.join();
    }
    System.out.println("parallel: " + results[0] + "; " + results[1]);
  }

  static Closeable connected(ServerSocket server) throws IOException {
    Socket client = new Socket(server.getInetAddress(), server.getLocalPort());
    Socket accepted = server.accept();
    return () -> {
      client.close();
      accepted.close();
    };
  }

  public static void main(String[] args) throws Exception {
    System.load(System.getProperty("victim.library"));
    fromNativeCode();
    // Before there are closed sockets, which keep numbers that are soon others'.
    inParallel();
    sort("FileInputStream", () -> new FileInputStream(FILE.toFile()));
    sort("RandomAccessFile", () -> new RandomAccessFile(FILE.toFile(), "r"));
    sort("FileChannel", () -> FileChannel.open(FILE));
    sort("SocketChannel", SocketChannel::open);
    sort("ServerSocket", () -> new ServerSocket(0));
    sort("Selector", Selector::open);
    sort("directory", () -> Files.newDirectoryStream(Paths.get("/proc/self")));
    sort(
        "Pipe",
        () -> {
          Pipe pipe = Pipe.open();
          return () -> {
            pipe.source().close();
            pipe.sink().close();
          };
        });
    keptByNativeCode();
    try (ServerSocket server = new ServerSocket(0, 50, java.net.InetAddress.getLoopbackAddress())) {
      sort("Socket", () -> connected(server));
    }
  }
}
