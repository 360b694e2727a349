package dev.hackleak.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class JobReportTest {
  private final JobReport report =
      new JobReport("app-1", stage -> stage == 3 ? "collect at job.py:7" : "");

  private static Map<String, Object> started(String executor) {
    Map<String, Object> message = Message.started(executor, null);
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

    assertEquals(Collections.singletonList("1"), report.awaited());
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
  void anExecutorThatIsNotRecordedIsNotWaitedFor() {
    report.started(Message.started("0", "libhackleak.so is not loaded into it"));

    assertTrue(report.awaited().isEmpty());
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
