import dev.hackleak.Checkpoint;
import dev.hackleak.HackLeak;
import dev.hackleak.LeakCheck;
import dev.hackleak.LeakReport;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;

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
                hidden[0] = leak();
                in.read(new byte[100]);
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    reader.start();
    String reads = "java.io.FileInputStream.readBytes";
    while (!reads.equals(top(reader))) {
      Thread.sleep(10);
    }
    System.out.println("lost " + lost(start));
    write(pipe);
    reader.join();
    free(hidden[0]);
  }

  private static String top(Thread thread) {
    StackTraceElement[] frames = thread.getStackTrace();
    return frames.length == 0 ? "" : frames[0].getClassName() + "." + frames[0].getMethodName();
  }

  private static long lost(Checkpoint start) {
    LeakReport report = HackLeak.leaksSince(start, LeakCheck.standard().settling(false));
    report.held().forEach(site -> System.err.println(site + " held by " + site.holder()));
    return report.count();
  }

  public static void main(String[] arguments) throws Exception {
    System.load(System.getProperty("victim.library"));
    if (arguments[0].equals("reads")) {
      for (int i = 0; i < 3; i++) {
        read(i);
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
