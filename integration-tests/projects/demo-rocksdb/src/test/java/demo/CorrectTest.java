package demo;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.hackleak.junit.NoLeaks;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rocksdb.Options;
import org.rocksdb.RocksDBException;

/** The twin of {@link LeakyTest} that closes its options. */
@NoLeaks
class CorrectTest {
  @BeforeAll
  static void warmUp(@TempDir Path folder) throws RocksDBException {
    Table.warmUp(folder);
  }

  @Test
  void writtenRowsAreRead(@TempDir Path folder) throws RocksDBException {
    Path file = folder.resolve("rows.sst");
    try (Options options = new Options()) {
      Table.write(options, file);
      assertEquals(1_000, Table.countRows(file));
    }
  }
}
