package libraries;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.hackleak.junit.NoLeaks;
import java.nio.file.Path;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.EnvOptions;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.SstFileReader;
import org.rocksdb.SstFileReaderIterator;
import org.rocksdb.SstFileWriter;
import org.rocksdb.WriteBatch;

/** rocksdbjni: C++; a Java object owns a handle, and {@code close} frees it. */
@NoLeaks
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class RocksDbTest {
  @TempDir static Path folder;

  static {
    RocksDB.loadLibrary();
  }

  /** The library's first use: nothing has warmed it up. */
  @Test
  @Order(1)
  void closed() throws Exception {
    Use.repeat(100, RocksDbTest::use);
  }

  @Test
  void iteratorNotClosed() throws RocksDBException {
    try (Options options = new Options();
        ReadOptions read = new ReadOptions()) {
      write(options);
      SstFileReader reader = new SstFileReader(options);
      reader.open(file());
      for (int i = 0; i < 10; i++) {
        SstFileReaderIterator rows = reader.newIterator(read);
        rows.seekToFirst();
      }
    }
  }

  /** A leak of the library's own: each database that is opened leaks a ReadOptions. */
  @Test
  void databaseClosed() throws RocksDBException {
    try (Options options = new Options().setCreateIfMissing(true)) {
      for (int i = 0; i < 10; i++) {
        RocksDB.open(options, folder.resolve("database").toString()).close();
      }
    }
  }

  @Test
  void batchNotClosed() throws RocksDBException {
    for (int i = 0; i < 10; i++) {
      WriteBatch batch = new WriteBatch();
      batch.put("key".getBytes(), new byte[1_000]);
    }
  }

  static void use() throws RocksDBException {
    try (LRUCache cache = new LRUCache(1 << 20);
        BloomFilter filter = new BloomFilter();
        Options options = new Options();
        WriteBatch batch = new WriteBatch()) {
      BlockBasedTableConfig table = new BlockBasedTableConfig();
      options.setTableFormatConfig(table.setBlockCache(cache).setFilterPolicy(filter));
      batch.put("key".getBytes(), new byte[1_000]);
      write(options);
      try (SstFileReader reader = new SstFileReader(options);
          ReadOptions read = new ReadOptions()) {
        reader.open(file());
        try (SstFileReaderIterator rows = reader.newIterator(read)) {
          rows.seek("key 000500".getBytes());
          assertEquals("value 500", new String(rows.value()));
        }
      }
    }
  }

  private static void write(Options options) throws RocksDBException {
    try (EnvOptions env = new EnvOptions();
        SstFileWriter writer = new SstFileWriter(env, options)) {
      writer.open(file());
      for (int i = 0; i < 1_000; i++) {
        writer.put(String.format("key %06d", i).getBytes(), ("value " + i).getBytes());
      }
      writer.finish();
    }
  }

  private static String file() {
    return folder.resolve("rows.sst").toString();
  }
}
