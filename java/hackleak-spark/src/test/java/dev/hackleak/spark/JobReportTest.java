package dev.hackleak.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.hackleak.HackLeak;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JobReportTest {
  private static final long MINUTE = 60_000;

  private final ReceivedImages images =
      new ReceivedImages(() -> "app-1", null, () -> null, 1000, MINUTE);
  private final JobReport report =
      new JobReport(() -> "app-1", stage -> stage == 3 ? "collect at job.py:7" : "", images);

  private static Map<String, Object> started(String executor) {
    Map<String, Object> message = Message.started(executor, HackLeak.checkpoint(), null);
    message.put(Message.HOST, "node");
    message.put(Message.PID, "7");
    message.put(Message.IMAGE, "/out/java-7.hackleak");
    return message;
  }

  private static Map<String, Object> ended(String executor) {
    Map<String, Object> message = new HashMap<>(Message.failed(executor, ""));
    message.remove(Message.REASON);
    message.put(Message.TASKS, 4L);
    return message;
  }

  private static Map<String, Object> ended(String executor, Map<String, Object> site) {
    Map<String, Object> message = ended(executor);
    message.put(Message.SITES, Collections.singletonList(site));
    message.put(Message.BYTES, site.get(Message.BYTES));
    message.put(Message.BLOCKS, site.get(Message.BLOCKS));
    message.put(Message.FAILS, true);
    return message;
  }

  @Test
  void leaksAreToldByStageAndTask() {
    report.started(started("0"));
    report.started(started("1"));
    Map<String, Object> one = Fakes.site("at a.B.c(B.java:1)", 400, 4);
    Fakes.share(one, "stage 3.0 task 0 TID 10", 100, 1);
    Fakes.share(one, "stage 3.0 task 2 TID 12", 200, 2);
    report.ended(ended("0", one));
    Map<String, Object> same = Fakes.site("at a.B.c(B.java:1)", 100, 1);
    report.ended(ended("1", Fakes.share(same, "stage 3.0 task 1 TID 11", 100, 1)));

    assertEquals(JobReport.LEAKS, report.verdict());
    assertEquals(
        String.join(
            "\n",
            "500 bytes in 5 blocks leaked at 1 site in 3 tasks of 1 stage (2 of 2 executors,"
                + " 8 tasks)",
            "",
            "stage 3.0 (collect at job.py:7): 400 bytes in 4 blocks in 3 tasks",
            "  task 2 TID 12: 200 bytes in 2 blocks",
            "  task 0 TID 10: 100 bytes in 1 block",
            "  task 1 TID 11: 100 bytes in 1 block",
            "  1) 400 bytes in 4 blocks, new",
            "      at a.B.c(B.java:1)",
            "",
            "outside of tasks: 100 bytes in 1 block",
            "  1) 100 bytes in 1 block, new",
            "      at a.B.c(B.java:1)"),
        report.text());
    String json = report.json();
    assertTrue(json.contains("\"verdict\": \"leaks\""), json);
    assertTrue(json.contains("\"stage\": \"3.0\""), json);
  }

  @Test
  void classesThatSparkMakesAreTheSameInEachExecutor() {
    report.ended(ended("0", Fakes.site("at a.B$$Lambda$1234/0x0000.apply(Unknown Source)", 1, 1)));
    report.ended(ended("1", Fakes.site("at a.B$$Lambda$99/0x00ff.apply(Unknown Source)", 1, 1)));

    assertTrue(report.text().contains("leaked at 1 site"), report.text());
  }

  @Test
  void anExecutorWithoutASummaryIsNamed() {
    report.started(started("0"));
    report.started(started("1"));
    report.ended(ended("0"));

    assertEquals(Collections.singletonList("1"), report.silent());
    assertEquals(JobReport.INCOMPLETE, report.verdict());
    assertTrue(
        report
            .text()
            .contains(
                "incomplete: executor 1 on node, process 7 has told nothing at its end: it was killed or"
                    + " still settles; on its host: hackleak report /out/java-7.hackleak"),
        report.text());
  }

  @Test
  void whatWasLiveInAKilledExecutorIsToldAndNoLeak() {
    report.started(started("0"));
    report.started(started("1"));
    Map<String, Object> leak = Fakes.site("at a.B.c(B.java:1)", 100, 1);
    Map<String, Object> live = Fakes.site("at a.B.c(B.java:1)", 300, 3);
    Fakes.share(live, "stage 3.0 task 0 TID 10", 200, 2);
    Fakes.share(live, "stage 3.0 task 1 TID 11", 100, 1);
    live.put(Message.VERDICT, "unknown");
    report.taskEnded("1", 10);
    report.removed("1", "Command exited with code 137");
    report.left("1", new LeftBehind(ended("1", live)));
    report.ended(ended("0"));

    assertEquals(JobReport.INCOMPLETE, report.verdict());
    assertEquals(
        String.join(
            "\n",
            "no leaks were seen, but the record is incomplete: 1 of 2 executors, 4 tasks",
            "",
            "live in executor 1 on node, process 7 when it ended, and unknown who held it:",
            "  300 bytes in 3 blocks",
            "",
            "stage 3.0 (collect at job.py:7): 300 bytes in 3 blocks in 2 tasks",
            "  task 0 TID 10: 200 bytes in 2 blocks, had ended",
            "  task 1 TID 11: 100 bytes in 1 block, was running",
            "  1) 300 bytes in 3 blocks, new",
            "      at a.B.c(B.java:1)",
            "",
            "incomplete: executor 1 on node, process 7 was killed or lost before it told its end"
                + " (Command exited with code 137); who held what was live there, nobody knows"),
        report.text());

    report.ended(ended("0", leak));
    assertEquals(JobReport.LEAKS, report.verdict());
    assertTrue(report.text().startsWith("100 bytes in 1 block leaked at 1 site"), report.text());
    assertTrue(
        report.text().contains("  1) 300 bytes in 3 blocks, new, leaked in other executors"),
        report.text());
    assertTrue(report.json().contains("\"elsewhere\": \"leaked\""), report.json());
    assertTrue(report.json().contains("\"ended\": false"), report.json());
  }

  @Test
  void anExecutorThatHadFreedAllIsJudged() {
    report.started(started("0"));
    report.removed("0", "Command exited with code 137");
    report.left("0", new LeftBehind(ended("0")));
    assertEquals(JobReport.CLEAN, report.verdict());

    Map<String, Object> incomplete = ended("0");
    incomplete.put(Message.INCOMPLETE, Collections.singletonList("dropped"));
    report.left("0", new LeftBehind(incomplete));
    assertEquals(JobReport.INCOMPLETE, report.verdict());
  }

  @Test
  void anImageOutOfReachIsNamed() {
    report.started(started("0"));
    report.removed("0", "heartbeat timed out");
    report.readImages(Deadline.of(Setting.WAIT_MILLIS, MINUTE));

    assertEquals(JobReport.INCOMPLETE, report.verdict());
    assertTrue(
        report
            .text()
            .contains(
                "(heartbeat timed out); its image was not whole from the start on; on its host:"
                    + " hackleak report /out/java-7.hackleak"),
        report.text());
  }

  @Test
  void theImageOfALostExecutorIsAskedForUntilItIsHere() {
    Map<String, Object> start = started("0");
    start.put(Message.EVIDENCE, "1\n0\ntrue\n7\n/lib/libhackleak.so\n/out/java-7.hackleak\nab");
    report.started(start);
    assertTrue(report.lost(false).isEmpty(), "it runs");
    report.removed("0", "Command exited with code 137");
    assertEquals("0", report.lost(false).get(0).get(Message.EXECUTOR));
    assertEquals(start.get(Message.EVIDENCE), report.lost(true).get(0).get(Message.EVIDENCE));

    Map<String, Object> piece = Message.piece("0", "1");
    piece.put(Message.NUMBER, 0);
    piece.put(Message.CONTENT, new byte[1]);
    piece.put(Message.LAST, true);
    assertEquals("", images.receive(piece));
    report.imageReceived("0");
    assertTrue(report.lost(true).isEmpty(), "its image is here");
    report.readImages(Deadline.of(Setting.WAIT_MILLIS, MINUTE));
    assertTrue(report.text().contains("its image cannot be reached"), report.text());
    images.forget();
  }

  @Test
  void anExecutorThatJudgedItselfIsNotAskedFor() {
    Map<String, Object> start = started("0");
    start.put(Message.EVIDENCE, "1\n0\ntrue\n7\n/lib/libhackleak.so\n/out/java-7.hackleak\nab");
    report.started(start);
    Map<String, Object> judged = new HashMap<>(Message.failed("0", ""));
    judged.put(Message.EVIDENCE, start.get(Message.EVIDENCE));
    assertFalse(report.judged(judged), "the driver cannot read it");
    assertTrue(report.awaits(System.nanoTime(), Long.MAX_VALUE), "it makes a report now");
    report.ended(ended("0"));
    report.removed("0", "");
    assertTrue(report.lost(true).isEmpty());
  }

  @Test
  void onlyImagesThatGoElsewhereAreWaitedFor() {
    ToldExecutor executor = new ToldExecutor();
    assertFalse(executor.isSending(Long.MAX_VALUE), "it runs");
    executor.judged(Message.failed("0", "any"));
    assertTrue(executor.isSending(Long.MAX_VALUE));
    assertFalse(executor.isSending(0), "it has had its time");
    executor.imageReceived();
    assertFalse(executor.isSending(Long.MAX_VALUE));
    assertFalse(report.awaitsImages(Long.MAX_VALUE), "the driver reads them where they are");
  }

  @Test
  void anExecutorThatWasLostIsWaitedForFromThenOn() throws InterruptedException {
    long second = TimeUnit.SECONDS.toNanos(1);
    long minute = 60 * second;
    report.started(started("0"));
    assertTrue(report.awaits(System.nanoTime(), minute));
    assertFalse(report.awaits(System.nanoTime() - 2 * minute, minute));
    report.removed("0", "");
    assertTrue(report.awaits(System.nanoTime() + second, minute));
    Thread.sleep(20);
    assertFalse(report.awaits(System.nanoTime() + second, TimeUnit.MILLISECONDS.toNanos(20)));
    report.left("0", new LeftBehind(Message.failed("0", "any")));
    report.ended(ended("0"));
    assertFalse(report.awaits(System.nanoTime(), minute));
  }

  @Test
  void anExecutorOfThisHostThatHasGoneIsNotWaitedFor(@TempDir Path folder) throws IOException {
    Map<String, Object> start = started("0");
    start.put(Message.HOST, Message.host());
    start.put(Message.IMAGE, Files.createFile(folder.resolve("image")).toString());
    start.put(Message.PID, "1");
    report.started(start);
    assertTrue(report.awaits(System.nanoTime(), Long.MAX_VALUE));
    // No process has this number.
    start.put(Message.PID, "4194305");
    assertFalse(report.awaits(System.nanoTime(), Long.MAX_VALUE));
  }

  @Test
  void anExecutorThatIsNotRecordedIsNotWaitedFor() {
    report.started(Message.started("0", null, "libhackleak.so is not loaded into it"));

    assertTrue(report.silent().isEmpty());
    assertFalse(report.awaits(System.nanoTime(), Long.MAX_VALUE));
    assertEquals(JobReport.INCOMPLETE, report.verdict());
    assertTrue(report.text().contains("was not recorded: libhackleak.so"), report.text());
  }

  @Test
  void aCleanJobIsClean() {
    report.started(started("0"));
    report.ended(ended("0"));

    assertEquals(JobReport.CLEAN, report.verdict());
    assertEquals("no leaks in 1 of 1 executor, 4 tasks", report.text());
  }

  @Test
  void nothingIsKnownWithoutExecutors() {
    assertEquals(JobReport.INCOMPLETE, report.verdict());
  }

  @Test
  void manyTasksAreCutInTheTextAndNotInTheJson() {
    Map<String, Object> site = Fakes.site("f", 50, 50);
    for (int task = 0; task < 50; task++) {
      Fakes.share(site, TaskName.of(1, 0, task, task), 1, 1);
    }
    report.ended(ended("0", site));

    assertTrue(report.text().contains("  … and 40 more tasks"), report.text());
    assertTrue(report.json().contains("\"tid\": 49"));
  }

  @Test
  void aTaskIsReadFromItsName() {
    String name = TaskName.of(3, 1, 17, 41);
    assertEquals("stage 3.1 task 17 TID 41", name);
    assertEquals(name, TaskName.parse(name).get().toString());
    List<String> others =
        Arrays.asList("", "stage 3 task 1", "stage 3.0 task 1 TID 99999999999999999999");
    others.forEach(other -> assertFalse(TaskName.parse(other).isPresent(), other));
  }

  @Test
  void textsAreQuotedInJson() {
    assertEquals(
        "{\n  \"a\\\"\\\\\": [\n    1,\n    \"\\u000a\"\n  ],\n  \"b\": []\n}\n",
        Json.of(new TreeMap<>(jsonSample())));
  }

  private static Map<String, Object> jsonSample() {
    Map<String, Object> sample = new HashMap<>();
    sample.put("a\"\\", Arrays.asList(1, "\n"));
    sample.put("b", Collections.emptyList());
    return sample;
  }
}
