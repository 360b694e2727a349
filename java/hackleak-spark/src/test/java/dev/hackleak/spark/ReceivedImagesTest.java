package dev.hackleak.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class ReceivedImagesTest {
  private static final long MINUTE = 60_000;
  private static final String NAME = "spark-app-1-executor-3.hackleak.gz";

  @TempDir private Path folder;
  private Path here;
  private Path far;

  @BeforeEach
  void makeFolders() throws IOException {
    here = Files.createDirectories(folder.resolve("a/b/here"));
    far = Files.createDirectories(folder.resolve("far"));
  }

  private ReceivedImages received(Store elsewhere, long limitMillis) {
    HadoopFolder there = elsewhere == null ? null : new HadoopFolder(elsewhere);
    return new ReceivedImages(() -> "app-1", here, () -> there, 10, limitMillis);
  }

  private static Map<String, Object> piece(String from, int number, int length, boolean last) {
    Map<String, Object> piece = Message.piece("3", from);
    piece.put(Message.NUMBER, number);
    piece.put(Message.CONTENT, new byte[length]);
    piece.put(Message.LAST, last);
    return piece;
  }

  private static long files(Path in) throws IOException {
    try (Stream<Path> files = Files.walk(in)) {
      return files.filter(Files::isRegularFile).count();
    }
  }

  @Test
  void anExecutorNamesNoFileOfTheDriver() throws IOException {
    Path victim = Files.write(folder.resolve("victim"), new byte[1]);
    ReceivedImages driver = received(new LocalStore(far), MINUTE);
    for (String name : new String[] {victim.toString(), "../victim", "", "other"}) {
      String refused = driver.receive(Message.written("3", "3", name, 1));
      assertEquals("the driver takes far:/" + NAME + ", and no other file", refused);
    }
    assertFalse(driver.has("3"));
    for (String from : new String[] {"/../../../../victim", "", "a b"}) {
      String refused = driver.receive(piece(from, 0, 2, true));
      assertEquals("the driver knows no executor `" + from + "`", refused);
    }
    assertEquals(1, Files.size(victim));
    assertEquals(1, files(folder));
  }

  @Test
  void aCopyOfAnImageIsAFileOfItsOwn() throws IOException {
    Files.write(far.resolve(NAME), new byte[7]);
    ReceivedImages driver = received(new LocalStore(far), MINUTE);
    assertEquals("", driver.receive(Message.written("3", "3", NAME, 7)));
    Path copy = driver.copy("3", Deadline.of(Setting.WAIT_MILLIS, MINUTE));
    assertEquals(7, Files.size(copy));
    assertNotEquals(NAME, copy.getFileName().toString());
    assertEquals("far:/" + NAME, driver.place("3").get());
    driver.forget();
    assertFalse(Files.exists(copy.getParent()));
    assertTrue(Files.exists(far.resolve(NAME)));
  }

  @Test
  void anImageThatIsTooLongIsNotTakenElsewhereEither() throws IOException {
    Files.write(far.resolve(NAME), new byte[11]);
    ReceivedImages driver = received(new LocalStore(far), MINUTE);
    assertEquals(
        "the driver takes 10 bytes at most, see spark.hackleak.maxImageBytes",
        driver.receive(Message.written("3", "3", NAME, 11)));
    assertFalse(driver.has("3"));
  }

  @Test
  @Timeout(60)
  void aFolderThatHangsStopsNobodyElse() throws IOException {
    CountDownLatch never = new CountDownLatch(1);
    Files.write(far.resolve(NAME), new byte[7]);
    Store hanging =
        new LocalStore(far) {
          @Override
          public java.io.InputStream open(String name) throws IOException {
            try {
              never.await();
            } catch (InterruptedException e) {
              throw new IOException(e);
            }
            return super.open(name);
          }
        };
    ReceivedImages driver = received(hanging, MINUTE);
    driver.receive(Message.written("3", "3", NAME, 7));
    Deadline deadline = Deadline.of(Setting.WAIT_MILLIS, 20);
    IOException late = assertThrows(IOException.class, () -> driver.copy("3", deadline));
    assertEquals("that took longer than 20 ms, see spark.hackleak.waitMillis", late.getMessage());
    // It is tried once.
    Deadline more = Deadline.of(Setting.WAIT_MILLIS, MINUTE);
    assertEquals(late, assertThrows(IOException.class, () -> driver.copy("3", more)));
    never.countDown();
  }

  @Test
  void nothingIsLeftOfAnImageThatFailed() throws IOException {
    ReceivedImages driver = received(null, MINUTE);
    assertEquals("", driver.receive(piece("3", 0, 5, false)));
    assertEquals(1, files(here));
    assertEquals("", driver.receive(Message.aborted("3", "3")));
    assertEquals(0, files(here));
    // What is refused is over as well.
    driver.receive(piece("3", 0, 5, false));
    assertNotEquals("", driver.receive(piece("3", 2, 5, false)));
    assertEquals(0, files(here));
    driver.receive(piece("3", 0, 5, false));
    assertNotEquals("", driver.receive(piece("3", 1, 6, false)));
    assertEquals(0, files(here));
  }

  @Test
  void oneExecutorAtATimeSendsAnImageAndNotWithoutEnd() {
    ReceivedImages driver = received(null, MINUTE);
    assertEquals("", driver.receive(Message.claimed("3", "4")));
    assertEquals("executor 4 sends it", driver.receive(Message.claimed("3", "5")));
    assertTrue(driver.isAnyUnderWay());
    driver.receive(Message.aborted("3", "4"));
    assertFalse(driver.isAnyUnderWay());
    for (int again = 1; again < Claims.TRIES; again++) {
      assertTrue(driver.mayCome("3"));
      assertEquals("", driver.receive(Message.claimed("3", "5")));
      driver.receive(Message.aborted("3", "5"));
    }
    assertFalse(driver.mayCome("3"));
    assertEquals("it was tried 3 times", driver.receive(Message.claimed("3", "6")));
    // The executor itself need not ask.
    assertEquals("", driver.receive(piece("3", 0, 5, true)));
    assertEquals("it is here", driver.receive(Message.claimed("3", "6")));
  }
}
