package dev.hackleak.spark;

import dev.hackleak.LeakEvidence;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.spark.api.plugin.PluginContext;

/**
 * Brings images from an executor's host to where the driver finds them: its own, and those of
 * executors that were killed and whose images it can read. Whatever fails is said in one line. Its
 * own takes no longer than {@code spark.hackleak.sendLimitMillis}, and so do all others together.
 */
final class ImageSender {
  /** So often an image is packed that becomes longer meanwhile. */
  private static final int ATTEMPTS = 3;

  private static final long LONGEST_CLOSE_MILLIS = 1000;

  private final PluginContext context;
  private final Conf conf;
  private final long limitMillis;
  private final long mostBytes;

  /** Where images go; null if that is the driver. */
  private final FutureTask<HadoopFolder> elsewhere;

  /** Sends what the driver has asked for at the start, while tasks run. */
  private volatile Thread meanwhile;

  ImageSender(PluginContext context, Conf conf) {
    this(context, conf, () -> HadoopFolder.open(Setting.OUT.of(conf), conf));
  }

  /**
   * @param folder opens the folder of {@code spark.hackleak.out}, if that is one of Hadoop's
   */
  ImageSender(PluginContext context, Conf conf, Callable<HadoopFolder> folder) {
    this.context = context;
    this.conf = conf;
    limitMillis = Setting.SEND_LIMIT_MILLIS.number(conf);
    mostBytes = Setting.MAX_IMAGE_BYTES.number(conf);
    elsewhere = HadoopFolder.isOne(Setting.OUT.of(conf)) ? new FutureTask<>(folder) : null;
    if (elsewhere != null) {
      // At its end a process can no longer do all that a file system does when it is opened.
      Deadline.thread(elsewhere).start();
    }
  }

  /** Whether images go to a folder of Hadoop's, whoever can read them. */
  boolean isElsewhere() {
    return elsewhere != null;
  }

  /** What an image is called where it is sent to. */
  static String name(String application, String executor) {
    return "spark-" + plain(application) + "-executor-" + plain(executor) + PackedImage.EXTENSION;
  }

  /** A text as part of a file's name, which can name no folder. */
  static String plain(String text) {
    return text.replaceAll("[^A-Za-z0-9._-]", "_");
  }

  /** Sends this executor's image. */
  void send(LeakEvidence own) {
    Deadline deadline = Deadline.of(Setting.SEND_LIMIT_MILLIS, limitMillis);
    send(context.executorID(), own.image(), false, deadline);
  }

  /**
   * Sends what the driver asks for and this process can read.
   *
   * @param lost executors that have ended without a word, with what the driver knows of them
   */
  void sendLost(List<?> lost) {
    Deadline deadline = Deadline.of(Setting.SEND_LIMIT_MILLIS, limitMillis);
    Thread before = meanwhile;
    if (before != null) {
      deadline.join(before);
    }
    sendLost(lost, deadline);
  }

  /** The same, while tasks run. */
  void sendLostMeanwhile(List<?> lost) {
    if (!lost.isEmpty()) {
      Deadline deadline = Deadline.of(Setting.SEND_LIMIT_MILLIS, limitMillis);
      meanwhile = Deadline.thread(() -> sendLost(lost, deadline));
      meanwhile.start();
    }
  }

  private void sendLost(List<?> lost, Deadline deadline) {
    for (Object one : lost) {
      if (one instanceof Map) {
        Map<?, ?> told = (Map<?, ?>) one;
        try {
          LeakEvidence evidence = LeakEvidence.parse(Message.text(told, Message.EVIDENCE));
          if (evidence.isReadable()) {
            send(Message.text(told, Message.EXECUTOR), evidence.image(), true, deadline);
          }
        } catch (IllegalArgumentException e) {
          Say.line("the driver asks for an image that nobody can name: " + e.getMessage());
        }
      }
    }
  }

  /**
   * @param asks whether the driver is asked first, because others may send it as well
   */
  private void send(String executor, Path image, boolean asks, Deadline deadline) {
    try {
      deadline.call(
          () -> {
            if (!asks || ask(context, Message.claimed(executor, context.executorID())).isEmpty()) {
              attempt(executor, image, deadline);
            }
            return null;
          });
    } catch (IOException | RuntimeException | LinkageError e) {
      Say.line(
          "the image of executor "
              + executor
              + " stays on its host, as "
              + image
              + ": "
              + Say.why(e));
    }
  }

  private void attempt(String executor, Path image, Deadline deadline)
      throws IOException, InterruptedException {
    try {
      boolean isTaken = isElsewhere() && isInFolder(executor, image, deadline);
      for (int attempt = 1; !isTaken; attempt++) {
        if (attempt > ATTEMPTS) {
          throw growing();
        }
        isTaken = toDriver(executor, image);
      }
    } catch (IOException | InterruptedException | RuntimeException e) {
      abort(executor);
      throw e;
    }
  }

  private static IOException growing() {
    return new IOException("it becomes longer and longer while it is packed");
  }

  /** So that the driver keeps nothing of it, and lets others try. */
  private void abort(String executor) {
    try {
      context.send(Message.aborted(executor, context.executorID()));
    } catch (Exception e) {
      // The driver finds out by itself, only later.
    }
  }

  private boolean toDriver(String executor, Path image) throws IOException {
    Pieces pieces = new Pieces(context, executor, mostBytes);
    boolean whole = PackedImage.pack(image, pieces);
    if (whole) {
      pieces.finish();
    }
    return whole;
  }

  /**
   * Whether the image is in the folder and the driver has seen it there. If not, it goes to the
   * driver: that may have had to write elsewhere itself.
   */
  private boolean isInFolder(String executor, Path image, Deadline deadline)
      throws IOException, InterruptedException {
    try {
      HadoopFolder folder = elsewhere.get(limitMillis / 2, TimeUnit.MILLISECONDS);
      for (int attempt = 1; attempt <= ATTEMPTS; attempt++) {
        if (toFolder(folder, executor, image)) {
          return true;
        }
      }
      throw growing();
    } catch (IOException | ExecutionException | TimeoutException | RuntimeException e) {
      if (deadline.isPassed()) {
        throw new IOException(e);
      }
      return false;
    }
  }

  private boolean toFolder(HadoopFolder folder, String executor, Path image) throws IOException {
    // In local mode, Spark names the application after it has started the executor.
    String name = name(conf.get("spark.app.id", "unknown"), executor);
    String own = context.executorID();
    if (!folder.writeImage(name, own, to -> PackedImage.pack(image, new Bounded(to, mostBytes)))) {
      return false;
    }
    String refused = ask(context, Message.written(executor, own, name, folder.length(name)));
    if (!refused.isEmpty()) {
      throw new IOException(refused);
    }
    return true;
  }

  /**
   * What the driver answers: why it takes nothing, or an empty text.
   *
   * @throws IOException if it does not answer, or this thread is interrupted
   */
  static String ask(PluginContext context, HashMap<String, Object> message) throws IOException {
    try {
      return String.valueOf(context.ask(message));
    } catch (InterruptedException e) {
      throw new InterruptedIOException("it took too long");
    } catch (Exception e) {
      throw new IOException("the driver does not answer: " + e, e);
    }
  }

  /** Gives back what the folder needs; nothing can be sent any more. */
  void close() {
    if (elsewhere == null || !elsewhere.isDone()) {
      return;
    }
    try {
      Deadline.of(Setting.SEND_LIMIT_MILLIS, Math.min(limitMillis, LONGEST_CLOSE_MILLIS))
          .call(
              () -> {
                elsewhere.get().close();
                return null;
              });
    } catch (IOException | RuntimeException | LinkageError e) {
      // It was never opened, or it is closed with the process.
    }
  }
}
