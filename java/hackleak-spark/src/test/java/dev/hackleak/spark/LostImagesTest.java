package dev.hackleak.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.hackleak.HackLeak;
import dev.hackleak.LeakEvidence;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the driver knows of images that others are to send. */
class LostImagesTest {
  private static final long LONG = Long.MAX_VALUE;
  private static final String EVIDENCE =
      "1\n0\ntrue\n7\n/lib/libhackleak.so\n/out/java-7.hackleak\nab";

  private final ReceivedImages images =
      new ReceivedImages(() -> "app-1", null, () -> null, 1000, 60_000);
  private final JobReport report = new JobReport(() -> "app-1", stage -> "", images);

  private static Map<String, Object> started(String executor) {
    Map<String, Object> start = Message.started(executor, HackLeak.checkpoint(), null);
    start.put(Message.HOST, "node");
    start.put(Message.EVIDENCE, EVIDENCE);
    return start;
  }

  private static Map<String, Object> judged(String executor) {
    return Message.judged(executor, LeakEvidence.parse(EVIDENCE), 0, 0);
  }

  private static Map<String, Object> ended(String executor) {
    Map<String, Object> message = new HashMap<>(Message.failed(executor, ""));
    message.remove(Message.REASON);
    return message;
  }

  @BeforeEach
  void loseOne() {
    report.started(started("0"));
    report.started(started("1"));
    report.removed("0", "Command exited with code 137");
  }

  @Test
  void whoeverSendsAtItsEndIsWaitedFor() {
    assertEquals(1, report.lost(false).size());
    report.lostFor(started("1"), true);
    assertFalse(report.awaitsImages(LONG), "nobody was asked who ends");
    report.lostFor(judged("1"), true);
    report.ended(ended("1"));
    assertTrue(report.awaitsImages(LONG), "it sends now");
    assertFalse(report.awaitsImages(0), "it has had its time");
    report.carried(Message.carried("1"));
    assertFalse(report.awaitsImages(LONG), "it has sent what it could");
  }

  @Test
  void anImageThatIsSentIsWaitedFor() {
    assertEquals("", images.receive(Message.claimed("0", "1")));
    assertTrue(report.awaitsImages(LONG));
    Map<String, Object> piece = Message.piece("0", "1");
    piece.put(Message.NUMBER, 0);
    piece.put(Message.CONTENT, new byte[1]);
    piece.put(Message.LAST, true);
    report.lostFor(judged("1"), true);
    assertEquals("", images.receive(piece));
    assertFalse(report.awaitsImages(LONG), "all that is lost is here");
    images.forget();
  }

  @Test
  void anImageThatNobodyCanSendIsAskedForNoMore() {
    for (int tries = 0; tries < Claims.TRIES; tries++) {
      assertEquals(1, report.lost(true).size());
      images.receive(Message.claimed("0", "1"));
      images.receive(Message.aborted("0", "1"));
    }
    assertTrue(report.lost(true).isEmpty());
    report.lostFor(judged("1"), true);
    assertFalse(report.awaitsImages(LONG));
  }
}
