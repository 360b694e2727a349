package dev.hackleak.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.hackleak.HackLeak;
import dev.hackleak.LeakEvidence;
import dev.hackleak.SimulatedRecording;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageSenderTest {
  @TempDir private Path folder;
  private final List<Object> told = Collections.synchronizedList(new ArrayList<>());
  private final Given conf = new Given().with(Setting.OUT.key(), "far:///leaks");
  private LocalStore store;

  @BeforeEach
  void makeFiles() throws IOException {
    store = new LocalStore(Files.createDirectories(folder.resolve("far")));
    conf.with("spark.app.id", "app-1");
    Files.write(folder.resolve("run.hackleak"), new byte[100]);
    Files.createFile(folder.resolve("hackleak")).toFile().setExecutable(true);
  }

  private ImageSender sender(Callable<HadoopFolder> opened, Function<Map<?, ?>, Object> driver) {
    return new ImageSender(Fakes.context("3", told, driver), conf, opened);
  }

  private LeakEvidence evidence() {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      recording.reachable(folder);
      LeakEvidence evidence = LeakEvidence.unjudged(HackLeak.checkpoint("any")).get();
      assertTrue(evidence.isReadable());
      return evidence;
    }
  }

  private List<String> types() {
    return told.stream()
        .map(message -> Message.text((Map<?, ?>) message, "type"))
        .collect(Collectors.toList());
  }

  @Test
  void anImageGoesToTheFolder() throws IOException {
    ImageSender sender = sender(() -> new HadoopFolder(store), message -> "");
    sender.send(evidence());
    assertEquals(Collections.singletonList("written"), types());
    assertTrue(Files.exists(store.folder.resolve("spark-app-1-executor-3.hackleak.gz")));
    assertFalse(store.isClosed);
    sender.close();
    assertTrue(store.isClosed);
  }

  @Test
  void whereTheDriverHasNoSuchFolderAnImageGoesToTheDriver() {
    sender(
            () -> new HadoopFolder(store),
            message -> Message.isWritten(message) ? "the driver writes to no such folder" : "")
        .send(evidence());
    assertEquals(Arrays.asList("written", "piece"), types());
  }

  @Test
  void whereTheFolderDoesNotOpenAnImageGoesToTheDriver() {
    Callable<HadoopFolder> closed =
        () -> {
          throw new IOException("nobody is there");
        };
    ImageSender sender = sender(closed, message -> "");
    sender.send(evidence());
    assertEquals(Collections.singletonList("piece"), types());
    sender.close();
  }

  @Test
  void aTransferThatFailsIsTold() {
    conf.with(Setting.OUT.key(), "here");
    sender(null, message -> "the driver does not like it").send(evidence());
    assertEquals(Arrays.asList("piece", "aborted"), types());
  }

  @Test
  void whatAnotherOneSendsIsNotSentAgain() {
    conf.with(Setting.OUT.key(), "here");
    ImageSender sender = sender(null, message -> "executor 4 sends it");
    sender.sendLost(Collections.singletonList(Message.lost("7", evidence().toString())));
    assertEquals(Collections.singletonList("claimed"), types());
  }

  @Test
  void allLostImagesHaveOneLimit() {
    conf.with(Setting.OUT.key(), "here").with(Setting.SEND_LIMIT_MILLIS.key(), "2000");
    CountDownLatch never = new CountDownLatch(1);
    ImageSender sender =
        sender(
            null,
            message -> {
              try {
                never.await();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
              return "too late";
            });
    String evidence = evidence().toString();
    sender.sendLost(Arrays.asList(Message.lost("7", evidence), Message.lost("8", evidence)));
    never.countDown();
    assertEquals(Collections.singletonList("claimed"), types());
  }
}
