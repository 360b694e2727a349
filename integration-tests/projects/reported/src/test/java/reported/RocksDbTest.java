package reported;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.hackleak.junit.NoLeaks;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rocksdb.ByteBufferGetStatus;
import org.rocksdb.Options;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.Status;

/** rocksdbjni: C++. */
@NoLeaks
class RocksDbTest {
  private static final byte[] KEY = "who".getBytes();
  private static final byte[] VALUE = "RocksDB".getBytes();

  @TempDir static Path folder;

  static {
    RocksDB.loadLibrary();
  }

  /** facebook/rocksdb#10980: the elements of two int arrays are never released. */
  @Test
  void multiGetByteBuffers() throws RocksDBException {
    List<ByteBuffer> keys = Collections.nCopies(1_000, direct(KEY));
    List<ByteBuffer> values =
        Stream.generate(() -> ByteBuffer.allocateDirect(10)).limit(keys.size()).toList();
    try (Options options = new Options().setCreateIfMissing(true);
        RocksDB database = RocksDB.open(options, folder.toString());
        ReadOptions read = new ReadOptions()) {
      database.put(KEY, VALUE);
      for (int i = 0; i < 10; i++) {
        check(database.multiGetByteBuffers(read, keys, values));
      }
    }
  }

  /** facebook/rocksdb#11221: without a ReadOptions it makes one and does not close it. */
  @Test
  void multiGetWithoutOptions() throws RocksDBException {
    List<ByteBuffer> keys = List.of(direct(KEY));
    List<ByteBuffer> values = List.of(ByteBuffer.allocateDirect(10));
    try (Options options = new Options().setCreateIfMissing(true);
        RocksDB database = RocksDB.open(options, folder.toString())) {
      database.put(KEY, VALUE);
      for (int i = 0; i < 10; i++) {
        check(database.multiGetByteBuffers(keys, values));
      }
    }
  }

  private static void check(List<ByteBufferGetStatus> results) {
    for (ByteBufferGetStatus result : results) {
      assertEquals(Status.Code.Ok, result.status.getCode());
      assertEquals(VALUE.length, result.requiredSize);
    }
  }

  private static ByteBuffer direct(byte[] bytes) {
    return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
  }
}
