import dev.hackleak.Checkpoint;
import dev.hackleak.HackLeak;
import dev.hackleak.Held;
import dev.hackleak.LeakCheck;
import dev.hackleak.LeakKind;
import dev.hackleak.LeakReport;
import dev.hackleak.LeakSite;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import java.util.zip.Inflater;

/**
 * Compresses and expands. For each sort it prints the memory that zlib holds: for objects that were
 * ended, that a static field keeps, that were ended then, and that are garbage.
 */
public class Zlib {
  private static final int TIMES = 7;
  private static final byte[] TEXT = new byte[100_000];

  private static final List<Object> kept = new ArrayList<>();

  interface Making {
    AutoCloseable make() throws IOException, DataFormatException;
  }

  static class Owned implements AutoCloseable {
    private final Object object;
    private final Runnable end;

    Owned(Object object, Runnable end) {
      this.object = object;
      this.end = end;
    }

    @Override
    public void close() {
      end.run();
    }
  }

  static Owned deflater() {
    Deflater deflater = new Deflater();
    deflater.setInput(TEXT);
    deflater.finish();
    deflater.deflate(new byte[1000]);
    return new Owned(deflater, deflater::end);
  }

  static Owned inflater() throws IOException, DataFormatException {
    Inflater inflater = new Inflater();
    inflater.setInput(compressed(false));
    // The first bytes only: its window is taken for what is to come.
    inflater.inflate(new byte[50_000]);
    return new Owned(inflater, inflater::end);
  }

  static byte[] compressed(boolean gzip) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DeflaterOutputStream out =
        gzip ? new GZIPOutputStream(bytes) : new DeflaterOutputStream(bytes)) {
      out.write(TEXT);
    }
    return bytes.toByteArray();
  }

  static AutoCloseable expanded() throws IOException {
    GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(compressed(true)));
    in.read(new byte[50_000]);
    return in;
  }

  /** The memory of so many equal objects: its size, if each has as many blocks. */
  static String memory(List<LeakSite> sites) {
    long blocks = 0;
    long bytes = 0;
    for (LeakSite site : sites) {
      if (site.kind().equals("zlib memory")) {
        blocks += site.blocks();
        bytes += site.bytes();
      }
    }
    if (blocks % TIMES != 0) {
      return blocks + " blocks";
    }
    long each = bytes / TIMES;
    return each == 0 ? "none" : each > 200_000 ? "large" : each > 30_000 ? "small" : "tiny";
  }

  static String lostAndHeld(LeakReport report) {
    return memory(report.sites()) + " lost, " + memory(report.held()) + " held";
  }

  static void sort(String name, Making making) throws Exception {
    making.make().close();
    HackLeak.settle();
    Checkpoint since = HackLeak.checkpoint(name);
    for (int i = 0; i < TIMES; i++) {
      making.make().close();
    }
    String ended = lostAndHeld(HackLeak.leaksSince(since, LeakCheck.standard().settling(false)));
    for (int i = 0; i < TIMES; i++) {
      kept.add(making.make());
    }
    LeakCheck check = LeakCheck.standard().settling(true);
    String held = lostAndHeld(HackLeak.leaksSince(since, check));
    LeakReport failing = HackLeak.leaksSince(since, check.held(Held.FAIL).kinds(LeakKind.ZIP));
    for (Object each : kept) {
      ((AutoCloseable) each).close();
    }
    kept.clear();
    String later = lostAndHeld(HackLeak.leaksSince(since, check));
    since = HackLeak.checkpoint(name);
    for (int i = 0; i < TIMES; i++) {
      making.make();
    }
    String garbage = lostAndHeld(HackLeak.leaksSince(since, check));
    System.out.println(
        name + ": ended " + ended + "; kept " + held + ", then " + later + "; garbage " + garbage);
    for (String line : failing.toString().split("\n")) {
      if (line.startsWith("next:")) {
        System.out.println(line.substring(0, line.lastIndexOf(' ')));
      }
    }
  }

  static native void stream(boolean open);

  /** What native code has from zlib is native code's own. */
  static void ofNativeCode() {
    // It is loaded once.
    stream(true);
    stream(false);
    Checkpoint since = HackLeak.checkpoint("native");
    stream(true);
    LeakCheck all = LeakCheck.standard().settling(false).held(Held.FAIL);
    LeakReport report = HackLeak.leaksSince(since, all);
    System.out.println("native: " + report.sites().get(0).kind() + ", " + report.sites().size());
    stream(false);
  }

  public static void main(String[] args) throws Exception {
    System.load(System.getProperty("victim.library"));
    if (args.length > 0) {
      ofNativeCode();
      return;
    }
    sort("Deflater", Zlib::deflater);
    sort("Inflater", Zlib::inflater);
    sort("GZIPInputStream", Zlib::expanded);
  }
}
