import dev.hackleak.Checkpoint;
import dev.hackleak.HackLeak;
import dev.hackleak.LeakCheck;
import dev.hackleak.LeakReport;
import dev.hackleak.LeakSite;
import java.io.FileInputStream;
import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.Deflater;

/**
 * What garbage owns. For each sort of it, {@code TIMES} objects are dropped, kept, closed, and dropped
 * where the check settles.
 */
public class Unsettled {
  static final int TIMES = 7;
  static final int SIZE = 45_672;
  static final Cleaner CLEANER = Cleaner.create();
  static final List<Object> kept = new ArrayList<>();

  static {
    System.load(System.getProperty("victim.library"));
  }

  static native long make(int size);

  static native void release(long block);

  interface Sort {
    Object make(boolean close) throws Exception;
  }

  static final class Owner {
    final Cleaner.Cleanable cleanable;

    Owner() {
      long block = make(SIZE);
      cleanable = CLEANER.register(this, () -> release(block));
    }
  }

  /** Objects: one has {@code blocks}. */
  static String count(Checkpoint since, LeakCheck check, String kind, long blocks) {
    LeakReport report = HackLeak.leaksSince(since, check);
    long lost = of(report.sites(), kind);
    long held = of(report.held(), kind);
    if (lost % blocks != 0 || held % blocks != 0) {
      return "parts: " + report;
    }
    return lost / blocks + " lost " + held / blocks + " held";
  }

  static long of(List<LeakSite> sites, String kind) {
    return sites.stream().filter(site -> site.kind().equals(kind)).mapToLong(LeakSite::blocks).sum();
  }

  static Checkpoint made(Sort sort, int times, boolean keep, boolean close) throws Exception {
    HackLeak.settle();
    Checkpoint since = HackLeak.checkpoint("made");
    for (int i = 0; i < times; i++) {
      Object made = sort.make(close);
      if (keep) {
        kept.add(made);
      }
    }
    return since;
  }

  static void look(String name, String kind, Sort sort) throws Exception {
    LeakCheck unsettled = LeakCheck.standard().settling(false);
    LeakCheck settled = LeakCheck.standard().settling(true);
    sort.make(true);
    Checkpoint since = made(sort, 1, true, false);
    long blocks = of(HackLeak.leaksSince(since, settled).held(), kind);
    String dropped = count(made(sort, TIMES, false, false), unsettled, kind, blocks);
    String held = count(made(sort, TIMES, true, false), unsettled, kind, blocks);
    kept.clear();
    String closed = count(made(sort, TIMES, false, true), unsettled, kind, blocks);
    String later = count(made(sort, TIMES, false, false), settled, kind, blocks);
    System.out.printf(
        "%s: dropped %s, kept %s, closed %s, settled %s%n", name, dropped, held, closed, later);
  }

  public static void main(String[] args) throws Exception {
    look(
        "cleaner",
        "malloc",
        close -> {
          Owner owner = new Owner();
          if (close) {
            owner.cleanable.clean();
          }
          return owner;
        });
    look(
        "Deflater",
        "zlib memory",
        close -> {
          Deflater deflater = new Deflater();
          if (close) {
            deflater.end();
          }
          return deflater;
        });
    look(
        "FileInputStream",
        "file descriptor",
        close -> {
          FileInputStream stream = new FileInputStream("/proc/self/status");
          if (close) {
            stream.close();
          }
          return stream;
        });
    look(
        "ByteBuffer",
        "unsafe",
        close -> close ? null : ByteBuffer.allocateDirect(SIZE));
  }
}
