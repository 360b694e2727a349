package demo;

import java.nio.file.Path;
import org.rocksdb.EnvOptions;
import org.rocksdb.Options;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDBException;
import org.rocksdb.SstFileReader;
import org.rocksdb.SstFileReaderIterator;
import org.rocksdb.SstFileWriter;

/**
 * The application code of the demo: RocksDB tables, as one database exports them for another.
 *
 * <p>The options that a table is written with are the caller's, who has to close them. (No database
 * is opened here: RocksJava itself leaks one ReadOptions for each, see facebook/rocksdb issue
 * 15036.)
 */
final class Table {
  private static final int ROWS = 1_000;

  private Table() {}

  static void write(Options options, Path file) throws RocksDBException {
    try (EnvOptions env = new EnvOptions();
        SstFileWriter writer = new SstFileWriter(env, options)) {
      writer.open(file.toString());
      for (int i = 0; i < ROWS; i++) {
        writer.put(String.format("key %06d", i).getBytes(), ("value " + i).getBytes());
      }
      writer.finish();
    }
  }

  static int countRows(Path file) throws RocksDBException {
    try (Options options = new Options();
        SstFileReader reader = new SstFileReader(options);
        ReadOptions read = new ReadOptions()) {
      reader.open(file.toString());
      try (SstFileReaderIterator rows = reader.newIterator(read)) {
        int count = 0;
        for (rows.seekToFirst(); rows.isValid(); rows.next()) {
          count++;
        }
        return count;
      }
    }
  }

  /**
   * Uses RocksDB once. The first use loads the library and builds registries that live as long as
   * the process: kept on purpose, once, they would be blamed on whichever test comes first.
   */
  static void warmUp(Path folder) throws RocksDBException {
    Path file = folder.resolve("warm-up.sst");
    try (Options options = new Options()) {
      write(options, file);
      countRows(file);
    }
  }
}
