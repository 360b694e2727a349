import dev.hackleak.Checkpoint;
import dev.hackleak.HackLeak;
import dev.hackleak.LeakCheck;
import dev.hackleak.LeakReport;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;

/** Blocks that a thread of a library's has an address of on its stack, an old one or not. */
public final class Workers {
  private Workers() {}

  /** A thread makes {@code blocks} blocks, has the address of the last, and waits or goes on. */
  static native void work(int blocks, boolean waits);

  /** Ends the thread, which frees the last block. */
  static native void end();

  /** A pipe: the end to read from, and the other one in the upper half. */
  static native long pipe();

  /** Makes a block, and leaves its address all over the part of the stack that is free; gives it with all bits turned. */
  static native long leak();

  /**
   * Maps memory that a word of the frames seems to name in which the JVM has begun the thread; gives
   * its address with all bits turned, or 0 if no word does.
   */
  static native long map();

  static native void unmap(long turned);

  static native void free(long turned);

  static native void write(long pipe);

  /** A thread of Java's leaks a block and reads then, in native code of the JDK's. */
  private static void read(int round) throws Exception {
    Checkpoint start = HackLeak.checkpoint("round " + round);
    long pipe = pipe();
    long[] hidden = new long[1];
    Thread reader =
        new Thread(
            () -> {
              try (FileInputStream in = new FileInputStream("/proc/self/fd/" + (int) pipe)) {
                // What compiles and links the call leaves other words on the stack.
                in.read(new byte[0]);
                hidden[0] = leak();
                in.read(new byte[100]);
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    reader.setName("reader " + round);
    reader.start();
    String reads = "java.io.FileInputStream.readBytes";
    while (!reads.equals(top(reader)) || !waits(reader.getName())) {
      Thread.sleep(10);
    }
    System.out.println("lost " + lost(start));
    write(pipe);
    reader.join();
    free(hidden[0]);
  }

  /** Memory is leaked that the frames seem to name which called a thread's first Java method. */
  private static void begin(int round) throws Exception {
    Checkpoint start = HackLeak.checkpoint("round " + round);
    CountDownLatch end = new CountDownLatch(1);
    CompletableFuture<Long> mapped = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              mapped.complete(map());
              try {
                end.await();
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
            });
    thread.start();
    System.out.println(mapped.get() == 0 ? "no such word" : "lost " + lost(start));
    end.countDown();
    thread.join();
    unmap(mapped.get());
  }

  private static String top(Thread thread) {
    StackTraceElement[] frames = thread.getStackTrace();
    return frames.length == 0 ? "" : frames[0].getClassName() + "." + frames[0].getMethodName();
  }

  /** Whether the thread reads by now: it is in that system call, whose number two processors have. */
  private static boolean waits(String name) throws IOException {
    try (DirectoryStream<Path> tasks =
        Files.newDirectoryStream(Paths.get("/proc/self/task"))) {
      for (Path task : tasks) {
        if (text(task.resolve("comm")).equals(name)) {
          return text(task.resolve("syscall")).matches("(0|63) .*");
        }
      }
    }
    return false;
  }

  private static String text(Path path) {
    try {
      return new String(Files.readAllBytes(path), StandardCharsets.UTF_8).trim();
    } catch (IOException e) {
      return "";
    }
  }

  private static long lost(Checkpoint start) {
    LeakReport report = HackLeak.leaksSince(start, LeakCheck.standard().settling(false));
    report.held().forEach(site -> System.err.println(site + " held by " + site.holder()));
    return report.blocks();
  }

  public static void main(String[] arguments) throws Exception {
    System.load(System.getProperty("victim.library"));
    if (arguments.length == 1) {
      for (int i = 0; i < 3; i++) {
        switch (arguments[0]) {
          case "reads":
            read(i);
            break;
          case "begins":
            begin(i);
            break;
          default:
            throw new IllegalArgumentException(arguments[0]);
        }
      }
      return;
    }
    int blocks = Integer.parseInt(arguments[0]);
    boolean waits = Boolean.parseBoolean(arguments[1]);
    for (int i = 0; i < 3; i++) {
      Checkpoint start = HackLeak.checkpoint("round " + i);
      work(blocks, waits);
      System.out.println("lost " + lost(start));
      end();
    }
  }
}
