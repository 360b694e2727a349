package dev.hackleak.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class QueryNameTest {
  private static final String ID = "2f1e";
  private final Map<String, String> properties = new HashMap<>();

  private String name() {
    return QueryName.of(properties::get);
  }

  @Test
  void aTaskOfAQueryNamesItAndItsBatch() {
    assertEquals("", name());
    properties.put(QueryName.ID, ID);
    assertEquals("query 2f1e ", name());
    properties.put(QueryName.BATCH, "12");
    assertEquals("query 2f1e batch 12 ", name());
    properties.put(QueryName.DESCRIPTION, "\nid = 2f1e\nrunId = 9a\nbatch = 12");
    assertEquals("query 2f1e batch 12 ", name());
    properties.put(QueryName.DESCRIPTION, "my counts\nid = 2f1e\nrunId = 9a\nbatch = 12");
    assertEquals("query my counts batch 12 ", name());
    // What foreachBatch may describe its jobs by.
    properties.put(QueryName.DESCRIPTION, "my own words");
    assertEquals("query 2f1e batch 12 ", name());
    properties.put(QueryName.BATCH, "init");
    assertEquals("query 2f1e ", name());
  }

  @Test
  void aTaskIsReadFromItsNameWithItsQuery() {
    String stage = TaskName.of(3, 1, 17, 41);
    TaskName task = TaskName.parse("query my stage 1 batch 12 " + stage).get();
    assertEquals("my stage 1", task.query);
    assertEquals("12", task.batch);
    assertEquals("3.1", task.stageName());
    assertEquals("query my stage 1", task.group());
    assertEquals("batch 12 stage 3.1 task 17 TID 41", task.inGroup());
    assertEquals("query my stage 1 batch 12 " + stage, task.toString());
    assertEquals("query 2f1e " + stage, TaskName.parse("query 2f1e " + stage).get().toString());
    assertEquals("", TaskName.parse(stage).get().query);
  }

  @Test
  void whatLeaksIsToldByQuery() {
    ToldSites sites = new ToldSites();
    Map<String, Object> site = Fakes.site("at a.B.c(B.java:1)", 1000, 10);
    Fakes.share(site, "query counts batch 0 " + TaskName.of(1, 0, 0, 1), 300, 3);
    Fakes.share(site, "query counts batch 1 " + TaskName.of(3, 0, 0, 5), 400, 4);
    Fakes.share(site, "query other batch 1 " + TaskName.of(4, 0, 0, 6), 200, 2);
    Fakes.share(site, TaskName.of(5, 0, 0, 7), 100, 1);
    List<Object> all = new ArrayList<>();
    all.add(site);
    sites.add(all);

    List<String> lines = new ArrayList<>();
    sites.text(lines, task -> "called");
    assertEquals(
        String.join(
            "\n",
            "",
            "query counts: 700 bytes in 7 blocks in 2 tasks of 2 batches",
            "  batch 1 stage 3.0 task 0 TID 5: 400 bytes in 4 blocks",
            "  batch 0 stage 1.0 task 0 TID 1: 300 bytes in 3 blocks",
            "  1) 700 bytes in 7 blocks, new",
            "      at a.B.c(B.java:1)",
            "",
            "query other: 200 bytes in 2 blocks in 1 task of 1 batch",
            "  batch 1 stage 4.0 task 0 TID 6: 200 bytes in 2 blocks",
            "  1) 200 bytes in 2 blocks, new",
            "      at a.B.c(B.java:1)",
            "",
            "stage 5.0 (called): 100 bytes in 1 block in 1 task",
            "  task 0 TID 7: 100 bytes in 1 block",
            "  1) 100 bytes in 1 block, new",
            "      at a.B.c(B.java:1)"),
        String.join("\n", lines));
    String json = Json.of(sites.toldQueries(task -> "called"));
    assertTrue(json.contains("\"query\": \"counts\",\n    \"bytes\": 700"), json);
  }
}
