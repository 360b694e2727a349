package dev.hackleak.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class ReportFolderTest {
  @TempDir private Path place;
  private final Given conf = new Given().with(Setting.OUT.key(), "far:///leaks");

  @Test
  void theReportGoesToTheFolderWhichIsClosedThen() {
    LocalStore store = new LocalStore(place);
    ReportFolder folder = ReportFolder.of(conf, () -> new HadoopFolder(store));
    assertEquals("\nreport: far:/a.json", folder.write("a", "text", "{}"));
    assertTrue(Files.exists(place.resolve("a.txt")));
    folder.close();
    assertTrue(store.isClosed);
  }

  @Test
  @Timeout(60)
  void aFolderThatDoesNotOpenStopsNoJob() {
    CountDownLatch never = new CountDownLatch(1);
    conf.with(Setting.WAIT_MILLIS.key(), "20");
    Callable<HadoopFolder> hanging =
        () -> {
          never.await();
          return null;
        };
    ReportFolder folder = ReportFolder.of(conf, hanging);
    assertNull(folder.elsewhere());
    assertEquals(Paths.get("hackleak-out").toAbsolutePath(), folder.local());
  }

  @Test
  @Timeout(60)
  void aFolderThatDoesNotTakeTheReportStopsNoJob() {
    CountDownLatch never = new CountDownLatch(1);
    conf.with(Setting.WAIT_MILLIS.key(), "2000").with(Setting.LOCAL_OUT.key(), place.toString());
    Store hanging =
        new LocalStore(place) {
          @Override
          public OutputStream create(String name) throws IOException {
            try {
              never.await();
            } catch (InterruptedException e) {
              throw new IOException(e);
            }
            return super.create(name);
          }
        };
    ReportFolder folder = ReportFolder.of(conf, () -> new HadoopFolder(hanging));
    String said = folder.write("a", "text", "{}");
    assertTrue(said.contains("that took longer than 2000 ms, see spark.hackleak.waitMillis"), said);
    assertTrue(said.endsWith("report: " + place.resolve("a.json")), said);
  }
}
