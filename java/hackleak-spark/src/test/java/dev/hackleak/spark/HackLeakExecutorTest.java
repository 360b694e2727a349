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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.api.plugin.PluginContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HackLeakExecutorTest {
  private final List<Object> asked = new ArrayList<>();
  private final HackLeakExecutor executor = new HackLeakExecutor();

  private void start(Given conf) {
    executor.init(Fakes.context("5", asked), conf);
  }

  private Map<?, ?> last() {
    return (Map<?, ?>) asked.get(asked.size() - 1);
  }

  @Test
  void anExecutorTellsItsStartAndItsEnd() {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      recording.allocate(3);
      start(new Given());
      assertTrue(Message.isStarted(last()));
      assertEquals("5", Message.text(last(), Message.EXECUTOR));
      assertFalse(last().containsKey(Message.REASON));
      recording.allocate(2);
      executor.shutdown();
      assertTrue(Message.isEnded(last()));
      assertEquals(2, Message.number(last(), Message.BLOCKS));
      assertEquals(2 * 1_999_993, Message.number(last(), Message.BYTES));
    }
  }

  @Test
  void whatTheWarmUpLeavesIsNotCounted() {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      start(new Given().with(Setting.WARMUP_TASKS.key(), "1"));
      TaskScopes scopes = new TaskScopes();
      scopes.begin("stage 0.0 task 0 TID 0");
      assertEquals(1, scopes.end());
      // Its end is told once, whatever Spark says.
      assertEquals(1, scopes.end());
      recording.allocate(1);
      executor.shutdown();
      assertEquals(1, Message.number(last(), Message.BLOCKS));
    }
  }

  @Test
  void theDriverKnowsFromWhenOnAWarmExecutorCounts() {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      recording.reachable();
      start(new Given().with(Setting.WARMUP_TASKS.key(), "1"));
      String cold = Message.text(last(), Message.EVIDENCE);
      assertFalse(cold.isEmpty());
      assertEquals(1, asked.size());
      executor.taskStarted("stage 0.0 task 0 TID 0");
      executor.onTaskSucceeded();
      assertTrue(Message.isStarted(last()));
      assertFalse(cold.equals(Message.text(last(), Message.EVIDENCE)));
      executor.taskStarted("stage 0.0 task 1 TID 1");
      executor.onTaskSucceeded();
      assertEquals(2, asked.size());
    }
  }

  @Test
  void anExecutorThatIsNotRecordedSaysWhyAndRunsItsTasks() {
    try (SimulatedRecording recording = SimulatedRecording.inactive("of the moon")) {
      start(new Given());
      assertEquals("of the moon", Message.text(last(), Message.REASON));
      executor.onTaskStart();
      executor.onTaskSucceeded();
      executor.shutdown();
      assertEquals(1, asked.size());
    }
  }

  @Test
  void aTaskThatWasKilledLeavesNoScopeOpen() {
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      TaskScopes scopes = new TaskScopes();
      scopes.begin("stage 0.0 task 0 TID 0");
      scopes.begin("stage 0.0 task 1 TID 1");
      assertEquals(1, scopes.end());
    }
  }

  @Test
  void imagesOfOthersComeBeforeTheLastWord(@TempDir Path folder) throws IOException {
    Files.write(folder.resolve("run.hackleak"), new byte[100]);
    Files.createFile(folder.resolve("hackleak")).toFile().setExecutable(true);
    try (SimulatedRecording recording = SimulatedRecording.active()) {
      recording.reachable(folder);
      String evidence = LeakEvidence.unjudged(HackLeak.checkpoint("any")).get().toString();
      ArrayList<HashMap<String, Object>> lost = new ArrayList<>();
      lost.add(Message.lost("7", evidence));
      PluginContext context =
          Fakes.context(
              "5",
              asked,
              message ->
                  Message.isJudged(message)
                      ? Message.answer(HackLeakDriver.TAKEN, lost)
                      : Message.isClaimed(message) ? "executor 6 sends it" : "");
      executor.init(context, new Given());
      executor.shutdown();
      assertTrue(Message.isCarried(last()), last()::toString);
      assertTrue(Message.isClaimed((Map<?, ?>) asked.get(asked.size() - 2)));
    }
  }
}
