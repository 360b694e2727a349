package dev.hackleak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class LeakErrorTest {
  /** What a library might have. */
  public static final class Store implements AutoCloseable {
    /** One that makes such objects makes the first of them. */
    public static Store open() {
      return new Store();
    }

    /** What a library does with an object. */
    public int put(String text) {
      return text.length();
    }

    /** Something else to close. */
    public AutoCloseable iterate() {
      return () -> {};
    }

    @Override
    public void close() {}
  }

  /** And another one. */
  public static final class Handle {
    /** Gives back what it has. */
    public void release() {}
  }

  private static LeakReport report(String... rows) throws ReporterException {
    return LinesParser.parse(
        "hackleak-lines\t1\ntotal\t5\t1\n" + String.join("\n", rows) + "\nend\n");
  }

  private static String frame(String name, String method, int line) {
    return "java\t" + name + "\t" + method + "\tAny.java\t" + line + "\t" + (line == 0 ? 1 : 0);
  }

  private static List<String> trace(LeakReport report) {
    return Arrays.stream(new LeakError(report).getStackTrace())
        .map(StackTraceElement::toString)
        .collect(Collectors.toList());
  }

  private static String nextStep(LeakCheck check, String... rows) throws ReporterException {
    return String.join("\n", NextStep.of(report(rows), check));
  }

  @Test
  void theStackIsThatOfTheLeakWithoutTheFramework() throws ReporterException {
    String native0 = "native\tf\t\t0\t/lib/a.so\t1\t0";
    LeakReport told =
        report(
            "site\t5\t1\tnew",
            "judged\tlost\t",
            "own\t3\t2",
            native0,
            frame("org.lib.Store", "open0", 0),
            frame("StoreTest", "leaks", 7),
            frame("java.lang.reflect.Method", "invoke", 1),
            frame("org.junit.Runner", "run", 1));
    List<String> expected =
        Arrays.asList("org.lib.Store.open0(Native Method)", "StoreTest.leaks(Any.java:7)");
    assertEquals(expected, trace(told));
    LeakReport untold =
        report(
            "site\t5\t1\tnew",
            native0,
            frame("org.lib.Store", "open0", 0),
            frame("StoreTest", "leaks", 7),
            frame("java.lang.reflect.Method", "invoke", 1),
            frame("org.junit.Runner", "run", 1));
    assertEquals(expected, trace(untold));
    assertEquals("leaks", untold.sites().get(0).owner().get().methodName());
  }

  @Test
  void withoutJavaOnItTheStackIsTheOneOfWhoAsked() throws ReporterException {
    LeakReport report = report("site\t5\t1\tnew", "native\tf\t\t0\t/lib/a.so\t1\t0");
    List<String> trace = trace(report);
    assertFalse(trace.isEmpty());
    assertFalse(trace.get(0).startsWith("dev.hackleak."), trace::toString);
  }

  @Test
  void theNextStepFitsTheLeak() throws ReporterException {
    String test = frame("StoreTest", "leaks", 7);
    String store = Store.class.getName();
    LeakCheck check = LeakCheck.standard();
    String[] closeable = {
      "site\t5\t1\tnew",
      "judged\tlost\t",
      "own\t4\t3",
      frame(store, "open0", 0),
      frame(store, "<init>", 3),
      frame("org.lib.Factory", "make", 9),
      test
    };
    assertEquals(
        "next: close the "
            + store
            + " that StoreTest.leaks(Any.java:7) made\n"
            + "  or, if a library makes it once and keeps it: @NoLeaks(repeat = 3)\n"
            + "  or, in a file for `suppressions`: leak:^StoreTest.leaks$",
        nextStep(check, closeable));
    assertFalse(nextStep(check.growing(new int[] {1, 2, 3}), closeable).contains("repeat"));
    // On a thread of its own nobody is known who could run the test again.
    LeakReport closed = report(closeable);
    List<String> elsewhere = CompletableFuture.supplyAsync(() -> NextStep.of(closed, check)).join();
    assertEquals(2, elsewhere.size(), elsewhere::toString);
    assertFalse(elsewhere.toString().contains("repeat"), elsewhere::toString);
    String[][] methods = {
      {"open", "close the " + store + " that StoreTest.leaks(Any.java:7) made\n"},
      {
        "put",
        "close the "
            + store
            + " that StoreTest.leaks(Any.java:7) uses; if that is done, its put() leaks\n"
      },
      {
        "iterate",
        "close the "
            + store
            + " that StoreTest.leaks(Any.java:7) uses,"
            + " and the java.lang.AutoCloseable that its iterate() gives\n"
      },
    };
    // The library's own method may look like the owner.
    for (String owner : new String[] {"2", "1"}) {
      for (String[] method : methods) {
        String called =
            nextStep(
                check,
                "site\t5\t1\tnew",
                "judged\tlost\t",
                "own\t3\t" + owner,
                frame(store, "put0", 0),
                frame(store, method[0], 3),
                test);
        assertTrue(called.startsWith("next: " + method[1]), called);
      }
    }
    String handle = Handle.class.getName();
    String released =
        nextStep(
            check,
            "site\t5\t1\tnew",
            "judged\tlost\t",
            "own\t2\t1",
            frame(handle, "get0", 0),
            test);
    assertTrue(released.startsWith("next: call release() on the " + handle), released);
    for (String[] pair :
        new String[][] {
          {"global reference", "DeleteGlobalRef"},
          {"UTF string characters", "ReleaseStringUTFChars"},
          {"array elements", "Release<Type>ArrayElements"},
        }) {
      String jni = nextStep(check, "site\t0\t3\t" + pair[0], "judged\tlost\t", "own\t1\t0", test);
      assertTrue(jni.startsWith("next: release it with " + pair[1] + "\n"), jni);
      assertFalse(jni.contains("repeat"), jni);
    }
    String open =
        nextStep(check, "site\t0\t1\tfile descriptor", "judged\tlost\t", "own\t1\t0", test);
    assertTrue(open.startsWith("next: close it: StoreTest.leaks(Any.java:7) opened it"), open);
    String mapped = nextStep(check, "site\t4096\t1\tmapping", "judged\tlost\t", "own\t1\t0", test);
    assertTrue(mapped.startsWith("next: unmap it: StoreTest.leaks(Any.java:7) mapped it"), mapped);
    String runs = nextStep(check, "site\t0\t1\tthread", "judged\tlost\t", "own\t1\t0", test);
    assertTrue(runs.startsWith("next: end the thread, or shut down the executor"), runs);
    String attached =
        nextStep(check, "site\t0\t2\tattached thread", "judged\tlost\t", "own\t1\t0", test);
    assertTrue(
        attached.startsWith(
            "next: call DetachCurrentThread before the thread ends: StoreTest.leaks(Any.java:7)"),
        attached);
    String opened =
        nextStep(check, "site\t0\t1\tlibrary handle", "judged\tlost\t", "own\t1\t0", test);
    assertTrue(opened.startsWith("next: close it with dlclose: StoreTest.leaks"), opened);
    String alone = nextStep(check, "site\t5\t2\tnew", "native\tf\t\t0\t/lib/a.so\t1\t0");
    assertEquals("next: free it\n  or, in a file for `suppressions`: leak:^f$", alone);
    String grows =
        nextStep(check, "site\t5\t2\tnew", "judged\tgrowing\tstatic Cache.all", "own\t1\t0", test);
    assertTrue(grows.startsWith("next: take it out of what holds it: static Cache.all"), grows);
  }

  @Test
  void theNextStepStandsBelowTheFirstLine() throws ReporterException {
    LeakReport report = report("site\t5\t1\tnew", "text\tfirst", "text\trest");
    String advised = report.withAdvice(Arrays.asList("next: x")).toString();
    assertEquals("first\nnext: x\nrest", advised);
  }
}
