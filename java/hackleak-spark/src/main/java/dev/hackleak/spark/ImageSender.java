package dev.hackleak.spark;

import dev.hackleak.HackLeak;
import dev.hackleak.Ignored;
import dev.hackleak.LeakEvidence;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.spark.api.plugin.PluginContext;

/**
 * Brings images from an executor's host to where the driver finds them: its own, and those of
 * executors that were killed and whose images it can read. Whatever fails is said in one line, and
 * takes no longer than {@code spark.hackleak.sendLimitMillis}.
 */
final class ImageSender {
  /** So often an image is packed that becomes longer meanwhile. */
  private static final int ATTEMPTS = 3;

  private final PluginContext context;
  private final Conf conf;
  private final long limitMillis;
  private final long mostBytes;

  /** Where images go; null if that is the driver. */
  private final FutureTask<HadoopFolder> elsewhere;

  ImageSender(PluginContext context, Conf conf) {
    this.context = context;
    this.conf = conf;
    limitMillis = Setting.SEND_LIMIT_MILLIS.number(conf);
    mostBytes = Setting.MAX_IMAGE_BYTES.number(conf);
    String out = Setting.OUT.of(conf);
    elsewhere =
        HadoopFolder.isOne(out) ? new FutureTask<>(() -> HadoopFolder.open(out, conf)) : null;
    if (elsewhere != null) {
      // At its end a process can no longer do all that a file system does when it is opened.
      thread(elsewhere).start();
    }
  }

  /** Whether images go to a folder of Hadoop's, whoever can read them. */
  boolean isElsewhere() {
    return elsewhere != null;
  }

  /** What an image is called where it is sent to. */
  static String name(String application, String executor) {
    String plain = executor.replaceAll("[^A-Za-z0-9._-]", "_");
    return "spark-" + application + "-executor-" + plain + PackedImage.EXTENSION;
  }

  /** Sends this executor's image. */
  void send(LeakEvidence own) {
    send(context.executorID(), own.image());
  }

  /**
   * Sends what the driver asks for and this process can read.
   *
   * @param lost executors that have ended without a word, with what the driver knows of them
   */
  void sendLost(List<?> lost) {
    for (Object one : lost) {
      if (one instanceof Map) {
        Map<?, ?> told = (Map<?, ?>) one;
        try {
          LeakEvidence evidence = LeakEvidence.parse(Message.text(told, Message.EVIDENCE));
          if (evidence.isReadable()) {
            send(Message.text(told, Message.EXECUTOR), evidence.image());
          }
        } catch (IllegalArgumentException e) {
          Say.line("the driver asks for an image that nobody can name: " + e.getMessage());
        }
      }
    }
  }

  /** The same, while tasks run. */
  void sendLostMeanwhile(List<?> lost) {
    if (!lost.isEmpty()) {
      thread(() -> sendLost(lost)).start();
    }
  }

  private void send(String executor, Path image) {
    FutureTask<Void> sending = new FutureTask<>(() -> attempt(executor, image), null);
    String why;
    try {
      thread(sending).start();
      sending.get(limitMillis, TimeUnit.MILLISECONDS);
      return;
    } catch (ExecutionException e) {
      why = reason(e.getCause());
    } catch (TimeoutException e) {
      sending.cancel(true);
      why = "that took longer than " + limitMillis + " ms, see " + Setting.SEND_LIMIT_MILLIS.key();
    } catch (InterruptedException e) {
      sending.cancel(true);
      Thread.currentThread().interrupt();
      why = "it was interrupted";
    } catch (RuntimeException | LinkageError e) {
      why = e.toString();
    }
    Say.line("the image of executor " + executor + " stays on its host, as " + image + ": " + why);
  }

  private static String reason(Throwable failed) {
    Throwable cause = failed instanceof Unsent ? failed.getCause() : failed;
    boolean isSaid = cause.getClass() == IOException.class && cause.getMessage() != null;
    return isSaid ? cause.getMessage() : cause.toString();
  }

  private void attempt(String executor, Path image) {
    try {
      for (int attempt = 1; attempt <= ATTEMPTS; attempt++) {
        if (elsewhere == null ? toDriver(executor, image) : toFolder(executor, image)) {
          return;
        }
      }
      throw new IOException("it becomes longer and longer while it is packed");
    } catch (IOException | ExecutionException e) {
      throw new Unsent(e instanceof ExecutionException ? e.getCause() : e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
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

  private boolean toFolder(String executor, Path image)
      throws IOException, ExecutionException, InterruptedException {
    HadoopFolder folder = elsewhere.get();
    // In local mode, Spark names the application after it has started the executor.
    String name = name(conf.get("spark.app.id", "unknown"), executor);
    boolean[] whole = new boolean[1];
    folder.write(name, to -> whole[0] = PackedImage.pack(image, to));
    if (!whole[0]) {
      return false;
    }
    HashMap<String, Object> message = Message.written(executor, name, folder.length(name));
    String refused;
    try {
      refused = String.valueOf(context.ask(message));
    } catch (InterruptedException e) {
      throw e;
    } catch (Exception e) {
      throw new IOException("the driver does not answer: " + e, e);
    }
    if (!refused.isEmpty()) {
      throw new IOException(refused);
    }
    return true;
  }

  /** What sending allocates is no leak of the program's. */
  private static Thread thread(Runnable work) {
    Runnable unseen =
        () -> {
          Ignored ignored = HackLeak.ignore();
          try {
            work.run();
          } finally {
            ignored.close();
          }
        };
    Thread thread = new Thread(unseen, "hackleak-image");
    thread.setDaemon(true);
    return thread;
  }

  /** An image that was not sent, with the cause. */
  private static final class Unsent extends RuntimeException {
    private static final long serialVersionUID = 1;

    Unsent(Throwable cause) {
      super(cause);
    }
  }
}
