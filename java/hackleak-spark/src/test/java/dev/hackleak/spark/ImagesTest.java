package dev.hackleak.spark;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.apache.spark.api.plugin.PluginContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImagesTest {
  private static final int MIB = 1 << 20;
  private static final long MINUTE = 60_000;
  private static final String NAME = "spark-app-1-executor-3.hackleak.gz";

  @TempDir private Path folder;

  /** Zeros with some bytes that cannot be packed, and an end in the middle of a piece. */
  private Path image() throws IOException {
    byte[] content = new byte[20 * MIB + 4711];
    byte[] random = new byte[3 * MIB];
    new Random(1).nextBytes(random);
    System.arraycopy(random, 0, content, 7 * MIB - 5, random.length);
    content[0] = 1;
    content[content.length - 1] = 1;
    return Files.write(folder.resolve("java-7.hackleak"), content);
  }

  private ReceivedImages received(long most) {
    return new ReceivedImages(() -> "app-1", folder.resolve("out"), () -> null, most, MINUTE);
  }

  /** An executor whose messages the driver gets. */
  private static PluginContext context(String executor, ReceivedImages driver) {
    return (PluginContext)
        Proxy.newProxyInstance(
            PluginContext.class.getClassLoader(),
            new Class<?>[] {PluginContext.class},
            (proxy, method, arguments) ->
                arguments != null ? driver.receive((Map<?, ?>) arguments[0]) : executor);
  }

  private static byte[] unpacked(Path packed) throws IOException {
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    try (InputStream from = new GZIPInputStream(Files.newInputStream(packed))) {
      byte[] piece = new byte[MIB];
      for (int length; (length = from.read(piece)) >= 0; ) {
        content.write(piece, 0, length);
      }
    }
    return content.toByteArray();
  }

  private long files() throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve("out"))) {
      return files.count();
    }
  }

  @Test
  void anImageComesAsItWas() throws IOException {
    Path image = image();
    ReceivedImages driver = received(Long.MAX_VALUE);
    Pieces pieces = new Pieces(context("3", driver), "3", Long.MAX_VALUE);
    assertTrue(PackedImage.pack(image, pieces));
    assertFalse(driver.has("3"));
    pieces.finish();

    assertTrue(driver.has("3"));
    Path copy = folder.resolve("out").resolve(NAME);
    assertEquals(copy.toString(), driver.place("3").get());
    assertArrayEquals(Files.readAllBytes(image), unpacked(copy));
    // What is random stays as long as it is, and zeros take a thousandth.
    assertEquals(3.0, Files.size(copy) / (double) MIB, 0.1);
  }

  @Test
  void anImageThatIsTooLargeIsRefusedOnBothSides() throws IOException {
    Path image = image();
    Pieces small = new Pieces(context("3", received(Long.MAX_VALUE)), "3", 2 * MIB);
    IOException tooLarge = assertThrows(IOException.class, () -> PackedImage.pack(image, small));
    assertEquals(
        "it has more than 2097152 bytes, see spark.hackleak.maxImageBytes", tooLarge.getMessage());

    ReceivedImages driver = received(2 * MIB);
    Pieces large = new Pieces(context("3", driver), "3", Long.MAX_VALUE);
    IOException refused = assertThrows(IOException.class, () -> PackedImage.pack(image, large));
    assertEquals(
        "the driver takes 2097152 bytes at most, see spark.hackleak.maxImageBytes",
        refused.getMessage());
    assertFalse(driver.has("3"));
    driver.forget();
    assertEquals(0, files());
  }

  @Test
  void piecesOfTwoSendersAreNotMixed() throws IOException {
    Path image = image();
    ReceivedImages driver = received(Long.MAX_VALUE);
    Pieces cut = new Pieces(context("3", driver), "3", Long.MAX_VALUE);
    PackedImage.pack(image, cut);
    Pieces other = new Pieces(context("4", driver), "3", Long.MAX_VALUE);
    PackedImage.pack(image, other);
    other.finish();
    assertArrayEquals(Files.readAllBytes(image), unpacked(folder.resolve("out").resolve(NAME)));
    assertEquals(2, files());
    driver.forget();
    assertEquals(1, files());
    assertEquals("the driver has made its report", driver.receive(Message.piece("3", "4")));
    assertEquals(1, files());
  }

  @Test
  void anImageThatBecomesLongerIsPackedAgain() throws IOException {
    Path image = image();
    OutputStream growing =
        new OutputStream() {
          @Override
          public void write(int one) throws IOException {
            Files.write(image, new byte[1], StandardOpenOption.APPEND);
          }

          @Override
          public void write(byte[] bytes, int from, int length) throws IOException {
            write(0);
          }
        };
    assertFalse(PackedImage.pack(image, growing));
    assertTrue(PackedImage.pack(image, new ByteArrayOutputStream()));
  }

  @Test
  void aFolderOfHadoopsHasAScheme() {
    assertTrue(HadoopFolder.isOne("hdfs://name:8020/leaks"));
    assertTrue(HadoopFolder.isOne("s3a://bucket"));
    assertTrue(HadoopFolder.isOne("file:///shared"));
    assertFalse(HadoopFolder.isOne("hackleak-out"));
    assertFalse(HadoopFolder.isOne("/var/leaks:1"));
  }

  @Test
  void namesOfExecutorsMakeNoFolders() {
    assertEquals("spark-a-executor-.._x.hackleak.gz", ImageSender.name("a", "../x"));
  }
}
