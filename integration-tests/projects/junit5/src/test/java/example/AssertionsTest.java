package example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.hackleak.Checkpoint;
import dev.hackleak.HackLeak;
import dev.hackleak.JavaFrame;
import dev.hackleak.LeakError;
import dev.hackleak.LeakFrame;
import dev.hackleak.LeakReport;
import dev.hackleak.LeakSite;
import dev.hackleak.NativeFrame;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** The assertions without the annotation, and what their reports say. */
class AssertionsTest {
  @Test
  void theJvmIsRecorded() {
    assertTrue(HackLeak.isActive());
    assertEquals(Optional.empty(), HackLeak.inactiveReason());
  }

  @Test
  void everyClassLoaderFindsTheRecorder() throws Exception {
    URL jar = HackLeak.class.getProtectionDomain().getCodeSource().getLocation();
    try (URLClassLoader loader =
        new URLClassLoader(new URL[] {jar}, ClassLoader.getPlatformClassLoader())) {
      Class<?> other = loader.loadClass(HackLeak.class.getName());
      assertNotSame(HackLeak.class, other);
      assertEquals(true, other.getMethod("isActive").invoke(null));
    }
  }

  @Test
  void theMessageBeginsWithTheFigures() {
    HackLeak.checkpoint("mine");
    try (NativeBuffer one = new NativeBuffer();
        NativeBuffer two = new NativeBuffer()) {
      LeakError error = assertThrows(LeakError.class, HackLeak::assertNoLeaks);
      String head =
          "3,999,986 bytes leaked in 2 blocks at 2 sites since checkpoint `mine`: 3.81 MiB of new[],"
              + " by example.AssertionsTest.theMessageBeginsWithTheFigures(AssertionsTest.java:";
      assertTrue(error.getMessage().startsWith(head), error.getMessage());
      String[] lines = error.getMessage().split("\n");
      assertTrue(lines.length <= 41, error.getMessage());
      String next = "next: close the example.NativeBuffer that example.AssertionsTest.";
      assertTrue(lines[1].startsWith(next), error.getMessage());
      // The stack is the leak's: the test's line is the last one.
      StackTraceElement[] stack = error.getStackTrace();
      assertEquals("allocate", stack[0].getMethodName());
      assertEquals(AssertionsTest.class.getName(), stack[stack.length - 1].getClassName());
      String json = "\nreport: " + error.report().json().get();
      assertTrue(error.getMessage().endsWith(json), error.getMessage());
    }
    HackLeak.assertNoLeaks();
  }

  @Test
  void theReportHasTheMergedStack() {
    Checkpoint checkpoint = HackLeak.checkpoint();
    LeakReport report;
    try (NativeBuffer buffer = new NativeBuffer()) {
      report = HackLeak.leaksSince(checkpoint);
    }

    assertTrue(report.hasLeaks());
    assertEquals(NativeBuffer.BYTES, report.bytes());
    assertEquals(1, report.blocks());
    assertEquals(1, report.notes().size(), report.notes().toString());
    assertTrue(report.notes().get(0).startsWith("not tracked: "), report.notes().get(0));
    assertTrue(Files.isRegularFile(report.json().get()));
    assertEquals(1, report.sites().size());

    LeakSite site = report.sites().get(0);
    assertEquals(NativeBuffer.BYTES, site.bytes());
    assertEquals(1, site.blocks());
    assertEquals("new[]", site.kind());
    assertEquals(List.of(), site.marks());

    NativeFrame allocating = (NativeFrame) site.frames().get(0);
    assertEquals(Optional.of("Java_example_NativeBuffer_allocate"), allocating.function());
    assertEquals(OptionalInt.of(7), allocating.line());
    assertTrue(allocating.file().get().endsWith("/native_buffer.cpp"), allocating.toString());
    assertEquals(Optional.of(System.getProperty("jni.library")), allocating.module());

    List<LeakFrame> java = site.frames().subList(1, site.frames().size());
    assertTrue(((JavaFrame) java.get(0)).isNativeMethod());
    assertEquals("example.NativeBuffer.allocate(Native Method)", java.get(0).toString());
    assertEquals("example.NativeBuffer.<init>", java.get(1).symbol());
    assertEquals(Optional.of("NativeBuffer.java"), java.get(1).file());
    assertEquals("example.AssertionsTest.theReportHasTheMergedStack", java.get(2).symbol());
    assertTrue(java.stream().allMatch(LeakFrame::isJava));
    assertEquals("org.apache.maven.surefire.booter.ForkedBooter.main", last(java).symbol());

    assertFalse(HackLeak.leaksSince(checkpoint).hasLeaks());
  }

  private static LeakFrame last(List<LeakFrame> frames) {
    return frames.get(frames.size() - 1);
  }

  @Test
  void whatOneStackAllocatesIsOneSite() {
    Checkpoint checkpoint = HackLeak.checkpoint();
    NativeBuffer[] buffers = new NativeBuffer[5];
    for (int i = 0; i < buffers.length; i++) {
      buffers[i] = new NativeBuffer();
    }
    LeakReport report = HackLeak.leaksSince(checkpoint);
    for (NativeBuffer buffer : buffers) {
      buffer.close();
    }
    assertEquals(1, report.sites().size());
    assertEquals(5, report.blocks());
    assertEquals(5L * NativeBuffer.BYTES, report.bytes());
  }

  @Test
  void freeingMoreThanLeakedDoesNotHideTheLeak() {
    NativeBuffer[] older = {new NativeBuffer(), new NativeBuffer(), new NativeBuffer()};
    HackLeak.checkpoint();
    NativeBuffer leak = new NativeBuffer();
    for (NativeBuffer buffer : older) {
      buffer.close();
    }
    LeakError error = assertThrows(LeakError.class, HackLeak::assertNoLeaks);
    assertEquals(1, error.report().blocks());
    assertEquals(NativeBuffer.BYTES, error.report().bytes());
    leak.close();
  }

  @Test
  void everyCheckpointHasItsOwnLeaks() {
    Checkpoint outer = HackLeak.checkpoint("outer");
    try (NativeBuffer one = new NativeBuffer()) {
      Checkpoint inner = HackLeak.checkpoint("inner");
      assertEquals(Optional.of("inner"), inner.label());
      assertTrue(inner.epoch() > outer.epoch());
      HackLeak.assertNoLeaks();
      try (NativeBuffer two = new NativeBuffer()) {
        assertEquals(2, HackLeak.leaksSince(outer).blocks());
        LeakReport report = HackLeak.leaksSince(inner);
        assertEquals(1, report.blocks());
        assertTrue(report.toString().contains(" since checkpoint `inner`: "), report.toString());
      }
    }
    HackLeak.assertNoLeaks(outer);
  }

  @Test
  void leaksOfOtherThreadsCount() throws InterruptedException {
    Checkpoint checkpoint = HackLeak.checkpoint();
    NativeBuffer[] buffer = new NativeBuffer[1];
    Thread thread = new Thread(() -> buffer[0] = new NativeBuffer(), "buffer-maker");
    thread.start();
    thread.join();
    LeakReport report = HackLeak.leaksSince(checkpoint);
    buffer[0].close();
    assertEquals(1, report.blocks());
    assertTrue(report.toString().contains(", thread `buffer-maker`\n"), report.toString());
  }

  @Test
  void checkpointsBelongToTheirThread() throws InterruptedException {
    HackLeak.checkpoint();
    Throwable[] thrown = new Throwable[1];
    Thread thread =
        new Thread(() -> thrown[0] = assertThrows(Throwable.class, HackLeak::assertNoLeaks));
    thread.start();
    thread.join();
    assertEquals(IllegalStateException.class, thrown[0].getClass());
  }
}
