package dev.hackleak;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import org.junit.jupiter.api.Test;

class SharedSitesTest {
  private final SharedSites sites = new SharedSites();

  private static LeakReport leak(String owner, int line, String test) throws ReporterException {
    return LinesParser.parse(
        String.join(
            "\n",
            "hackleak-lines\t1\ntotal\t5\t1\nsite\t5\t1\tnew\njudged\tlost\t\nown\t3\t1",
            "java\torg.lib.Store\topen0\tStore.java\t0\t1",
            "java\t" + owner + "\tmake\tAny.java\t" + line + "\t0",
            "java\tdemo.StoreTest\t" + test + "\tStoreTest.java\t9\t0",
            "end\n"));
  }

  private String told() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    sites.tell(new PrintStream(out));
    return out.toString();
  }

  @Test
  void oneSiteOfManyTestsIsSaidOnceWithTheirNumber() throws ReporterException {
    for (String test : new String[] {"a", "b", "c", "d", "d"}) {
      sites.failed("StoreTest > " + test + "()", leak("demo.Fixtures", 12, test));
    }
    sites.failed("StoreTest > alone()", leak("demo.Fixtures", 13, "alone"));
    assertEquals(
        "hackleak: 1 site failed 4 tests, at demo.Fixtures.make(Any.java:12): `StoreTest > a()`,"
            + " `StoreTest > b()`, `StoreTest > c()` and 1 more\n",
        told());
    assertEquals("", told());
  }

  @Test
  void aNameWithALineBreakStaysOnTheLine() throws ReporterException {
    sites.failed("a(\"x\ny\tz\")", leak("demo.Fixtures", 12, "a"));
    sites.failed("b", leak("demo.Fixtures", 12, "b"));
    assertEquals(
        "hackleak: 1 site failed 2 tests, at demo.Fixtures.make(Any.java:12):"
            + " `a(\"x\\u{a}y\\u{9}z\")`, `b`\n",
        told());
  }

  @Test
  void whatEachTestDoesItselfIsNoSharedSite() throws ReporterException {
    sites.failed("a", leak("demo.ATest", 12, "a"));
    sites.failed("b", leak("demo.BTest", 12, "b"));
    assertEquals("", told());
  }
}
