import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksIterator;

/** {@code RocksDb ROWS REPEATS}: ms for as many puts and gets and a scan, and for all three; and of the thread's processor time. */
public class RocksDb {
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  public static void main(String[] args) throws Exception {
    RocksDB.loadLibrary();
    int rows = Integer.parseInt(args[0]);
    int repeats = Integer.parseInt(args[1]);
    run(rows / 4, false);
    for (int i = 0; i < repeats; i++) {
      run(rows, true);
    }
  }

  static void run(int rows, boolean print) throws Exception {
    Path folder = Files.createTempDirectory("rocks");
    try (Options options = new Options().setCreateIfMissing(true);
        RocksDB db = RocksDB.open(options, folder.toString())) {
      byte[] value = new byte[100];
      long used = THREADS.getCurrentThreadCpuTime();
      long start = System.nanoTime();
      for (int i = 0; i < rows; i++) {
        db.put(key(i), value);
      }
      long put = System.nanoTime();
      for (int i = 0; i < rows; i++) {
        if (db.get(key(i)) == null) {
          throw new IllegalStateException("lost key " + i);
        }
      }
      long got = System.nanoTime();
      int seen = 0;
      try (RocksIterator iterator = db.newIterator()) {
        for (iterator.seekToFirst(); iterator.isValid(); iterator.next()) {
          seen += iterator.key().length > 0 ? 1 : 0;
        }
      }
      long scanned = System.nanoTime();
      used = THREADS.getCurrentThreadCpuTime() - used;
      if (seen != rows) {
        throw new IllegalStateException("scanned " + seen);
      }
      if (print) {
        System.out.println("result put " + (put - start) / 1e6);
        System.out.println("result get " + (got - put) / 1e6);
        System.out.println("result scan " + (scanned - got) / 1e6);
        System.out.println("result all " + (scanned - start) / 1e6);
        System.out.println("result all.cpu " + used / 1e6);
      }
    }
    try (Stream<Path> files = Files.walk(folder)) {
      files.sorted(Comparator.reverseOrder()).map(Path::toFile).forEach(java.io.File::delete);
    }
  }

  // Scattered, so that gets do not just follow the order of the puts.
  static byte[] key(int i) {
    return ByteBuffer.allocate(8).putLong(i * 0x9e3779b97f4a7c15L).array();
  }
}
