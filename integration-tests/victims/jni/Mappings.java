import dev.hackleak.Checkpoint;
import dev.hackleak.HackLeak;
import dev.hackleak.JavaFrame;
import dev.hackleak.LeakReport;
import dev.hackleak.LeakSite;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Maps what Java and native code can map. For each sort it prints what is lost and what is held: kept in a
 * static field, dropped, unmapped.
 */
public class Mappings {
  static native void mapped(int times, boolean release);

  static native void keep(int times);

  static native void drop(boolean release);

  static native long address();

  static native void forget();

  static native boolean again();

  interface Mapping {
    Object map() throws Exception;
  }

  static final List<Object> kept = new ArrayList<>();
  static Path file;

  static String sum(List<LeakSite> sites) {
    long count = 0;
    long pages = 0;
    for (LeakSite site : sites) {
      if (site.kind().equals("mapping")) {
        count += site.blocks();
        pages += site.bytes() / 4096;
      }
    }
    return count + " of " + pages + " pages";
  }

  static String lostAndHeld(Checkpoint since) {
    LeakReport report = HackLeak.leaksSince(since);
    return sum(report.sites()) + " lost, " + sum(report.held()) + " held";
  }

  /** Where cleaners have unmapped what is garbage. */
  static String afterSettling(Checkpoint since) {
    HackLeak.settle();
    return lostAndHeld(since);
  }

  static void fromNativeCode() {
    Checkpoint since = HackLeak.checkpoint("native");
    mapped(1000, true);
    System.out.println("native: " + lostAndHeld(since));
    mapped(12, false);
    System.out.println("native: " + lostAndHeld(since));
    for (String line : HackLeak.leaksSince(since).toString().split("\n")) {
      if (line.startsWith("1) ")) {
        System.out.println(line);
      }
    }
    since = HackLeak.checkpoint("kept");
    keep(11);
    String held = lostAndHeld(since);
    drop(true);
    String unmapped = lostAndHeld(since);
    since = HackLeak.checkpoint("kept");
    keep(11);
    drop(false);
    System.out.println("kept: " + held + "; unmapped " + unmapped + "; dropped " + lostAndHeld(since));
  }

  static final class Handle {
    long address;
  }

  static Handle handle = new Handle();

  static void fromJavaFields() {
    Checkpoint since = HackLeak.checkpoint("field");
    handle.address = address();
    String held = lostAndHeld(since);
    handle.address = 0;
    System.out.println("field: " + held + "; dropped " + lostAndHeld(since));
  }

  /** A variable has kept the address of what was unmapped: it does not hold what lies there now. */
  static void atAnOldAddress() {
    Checkpoint first = HackLeak.checkpoint("first");
    String sum;
    do {
      // The checkpoint after a check that has found something looks for old words in any case.
      mapped(1, false);
      HackLeak.leaksSince(first);
      forget();
      Checkpoint since = HackLeak.checkpoint("old address");
      sum = again() ? lostAndHeld(since) : null;
    } while (sum == null);
    System.out.println("old address: " + sum);
  }

  static MappedByteBuffer map() throws IOException {
    try (FileChannel channel = FileChannel.open(file)) {
      // The JDK maps from the start of the page that the position lies in.
      return channel.map(MapMode.READ_ONLY, 4096 + 100, 2 * 4096);
    }
  }

  static void ofAChannel() throws Exception {
    map();
    HackLeak.settle();
    Checkpoint since = HackLeak.checkpoint("channel");
    for (int i = 0; i < 7; i++) {
      map();
    }
    String dropped = afterSettling(since);
    since = HackLeak.checkpoint("channel");
    for (int i = 0; i < 7; i++) {
      kept.add(map());
    }
    LeakReport report = HackLeak.leaksSince(since);
    String held = sum(report.sites()) + " lost, " + sum(report.held()) + " held";
    boolean hasStack = false;
    for (LeakSite site : report.held()) {
      if (site.kind().equals("mapping")) {
        for (Object frame : site.frames()) {
          hasStack |= frame instanceof JavaFrame && frame.toString().contains("Mappings.map");
        }
      }
    }
    kept.clear();
    System.out.println("channel: dropped " + dropped + "; kept " + held + ", then " + afterSettling(since));
    System.out.println("channel: stack " + hasStack);
  }

  /** A mapping of an arena, and the arena. Java 17 has none of either. */
  static AutoCloseable ofArena() throws Exception {
    Class<?> type = Class.forName("java.lang.foreign.Arena");
    Object arena = type.getMethod("ofConfined").invoke(null);
    Method map =
        FileChannel.class.getMethod("map", MapMode.class, long.class, long.class, type);
    try (FileChannel channel = FileChannel.open(file)) {
      map.invoke(channel, MapMode.READ_ONLY, 0L, 3L * 4096, arena);
    }
    return (AutoCloseable) arena;
  }

  static void ofArenas() throws Exception {
    try {
      ofArena().close();
    } catch (ClassNotFoundException | NoSuchMethodException e) {
      System.out.println("arena: none");
      return;
    }
    Checkpoint since = HackLeak.checkpoint("arena");
    for (int i = 0; i < 7; i++) {
      ofArena().close();
    }
    String closed = lostAndHeld(since);
    for (int i = 0; i < 7; i++) {
      kept.add(ofArena());
    }
    String held = lostAndHeld(since);
    for (Object arena : kept) {
      ((AutoCloseable) arena).close();
    }
    kept.clear();
    String later = lostAndHeld(since);
    since = HackLeak.checkpoint("arena");
    for (int i = 0; i < 7; i++) {
      ofArena();
    }
    System.out.println(
        "arena: closed " + closed + "; kept " + held + ", then " + later + "; dropped " + lostAndHeld(since));
  }

  public static void main(String[] args) throws Exception {
    System.load(System.getProperty("victim.library"));
    file = Files.createTempFile("mappings", ".db");
    Files.write(file, new byte[16 * 4096]);
    try {
      fromNativeCode();
      fromJavaFields();
      atAnOldAddress();
      ofAChannel();
      ofArenas();
    } finally {
      Files.delete(file);
    }
  }
}
