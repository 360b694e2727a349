package example;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.rapids.cudf.HostMemoryBuffer;
import dev.hackleak.Checkpoint;
import dev.hackleak.HackLeak;
import dev.hackleak.LeakReport;
import dev.hackleak.LeakCheck;
import dev.hackleak.junit.NoLeaks;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** cuDF's host memory, which needs no GPU. Its cleaner is a daemon thread of cuDF's own. */
class HostBufferTest {
  private static HostMemoryBuffer held;

  @BeforeAll
  static void load() {
    HostMemoryBuffer.allocate(1, false).close();
  }

  @Test
  @NoLeaks
  void closed() {
    HostMemoryBuffer.allocate(1_999_992, false).close();
  }

  @Test
  @NoLeaks
  void held() {
    held = HostMemoryBuffer.allocate(1_999_992, false);
  }

  @Test
  @NoLeaks
  void garbageIsCleaned() {
    allocate();
  }

  @Test
  @NoLeaks(settle = false)
  void garbageThatNobodyClosed() {
    allocate();
  }

  @Test
  void whatTheCleanerFoundIsInTheReport() {
    Checkpoint checkpoint = HackLeak.checkpoint();
    for (int i = 0; i < 3; i++) {
      allocate();
    }
    LeakReport report = HackLeak.leaksSince(checkpoint, LeakCheck.standard().settling(true));
    assertEquals(0, report.blocks());
    assertEquals(
        List.of(
            "cuDF's cleaner freed 3 objects that nobody had closed, which its log calls WAS LEAKED"),
        report.notes());
  }

  private static void allocate() {
    HostMemoryBuffer.allocate(1_999_992, false);
  }
}
