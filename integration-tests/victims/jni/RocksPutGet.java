import dev.hackleak.HackLeak;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksIterator;

/** {@code RocksPutGet N}: prints the ms that N puts, N gets and a scan take. For the bench. */
public class RocksPutGet {
  public static void main(String[] args) throws Exception {
    HackLeak.checkpoint("start");
    RocksDB.loadLibrary();
    int count = Integer.parseInt(args[0]);
    run(count / 10);
    long start = System.nanoTime();
    run(count);
    System.out.println("result " + (System.nanoTime() - start) / 1e6);
  }

  static void run(int count) throws Exception {
    Path folder = Files.createTempDirectory("rocks");
    try (Options options = new Options().setCreateIfMissing(true);
        RocksDB db = RocksDB.open(options, folder.toString())) {
      byte[] value = new byte[100];
      for (int i = 0; i < count; i++) {
        db.put(key(i), value);
      }
      for (int i = 0; i < count; i++) {
        if (db.get(key(i)) == null) {
          throw new IllegalStateException("lost key " + i);
        }
      }
      int seen = 0;
      try (RocksIterator iterator = db.newIterator()) {
        for (iterator.seekToFirst(); iterator.isValid(); iterator.next()) {
          seen += iterator.key().length > 0 ? 1 : 0;
        }
      }
      if (seen != count) {
        throw new IllegalStateException("scanned " + seen);
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
