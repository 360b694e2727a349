package dev.hackleak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Paths;
import java.util.Collections;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LinesParserTest {
  private static final String WHOLE =
      String.join(
          "\n",
          "hackleak-lines\t1",
          "json\tout/leaks-7-1.json",
          "total\t5999979\t3",
          "note\ta tab: \\t, a line feed: \\n, a backslash: \\\\",
          "site\t3999986\t2\tnew[]",
          "native\tvictim::leak(int)\tvictim.cpp\t9\t/lib/libvictim.so\t1f3\t1",
          "native\t\t\t0\t/lib/libvictim.so\t2a0\t0",
          "java\tcom.example.Victim\tleak\tVictim.java\t0\t1",
          "java\tcom.example.VictimTest\tleaks\tVictimTest.java\t12\t0",
          "mark\tstack truncated at 2000 frames",
          "site\t1999993\t1\tnew",
          "text\tleaked much",
          "text\t",
          "text\t  at much",
          "end",
          "");

  @Test
  void everyRowArrivesWhereItBelongs() throws ReporterException {
    LeakReport report = LinesParser.parse(WHOLE);

    assertTrue(report.hasLeaks());
    assertEquals(5_999_979, report.bytes());
    assertEquals(3, report.blocks());
    assertEquals(Optional.of(Paths.get("out/leaks-7-1.json")), report.json());
    assertEquals(
        Collections.singletonList("a tab: \t, a line feed: \n, a backslash: \\"), report.notes());
    assertEquals("leaked much\n\n  at much", report.toString());
    assertEquals(2, report.sites().size());

    LeakSite site = report.sites().get(0);
    assertEquals(3_999_986, site.bytes());
    assertEquals(2, site.blocks());
    assertEquals("new[]", site.kind());
    assertEquals(Collections.singletonList("stack truncated at 2000 frames"), site.marks());
    assertEquals(4, site.frames().size());
    assertTrue(report.sites().get(1).frames().isEmpty());
  }

  @Test
  void eachScopeHasItsShare() throws ReporterException {
    LeakReport report =
        LinesParser.parse(
            String.join(
                "\n",
                "hackleak-lines\t1",
                "total\t300\t3",
                "site\t300\t3\tnew",
                "judged\tlost\t",
                "own\t0\t",
                "scope\t200\t2\tstage 1.0 task 4 TID 9",
                "scope\t100\t1\tother",
                "end",
                ""));

    assertEquals(
        "[stage 1.0 task 4 TID 9: 200 bytes in 2 blocks, other: 100 bytes in 1 blocks]",
        report.sites().get(0).scopes().toString());
    assertThrows(
        ReporterException.class,
        () -> LinesParser.parse("hackleak-lines\t1\ntotal\t0\t0\nscope\t1\t1\tx\nend\n"));
  }

  @Test
  void whatIsHeldIsNoLeak() throws ReporterException {
    LeakReport report =
        LinesParser.parse(
            String.join(
                "\n",
                "hackleak-lines\t1",
                "total\t1999993\t1",
                "site\t1999993\t1\tnew",
                "judged\tlost\t",
                "mark\tno stack",
                "held\t7560\t2\tnew[]",
                "judged\theld\tstatic Cache.handle → 40 bytes of make",
                "known\t192\t1\tnew",
                "judged\tlost\t",
                "library\tknown leak of rocksdbjni, facebook/rocksdb#15036",
                "end"));

    assertEquals(1, report.blocks());
    LeakSite lost = report.sites().get(0);
    assertEquals(LeakVerdict.LOST, lost.verdict());
    assertEquals(Optional.empty(), lost.holder());
    assertEquals(1, report.sites().size());
    LeakSite held = report.held().get(0);
    assertEquals(7_560, held.bytes());
    assertEquals(LeakVerdict.HELD, held.verdict());
    assertEquals(Optional.of("static Cache.handle → 40 bytes of make"), held.holder());
    assertTrue(held.toString().contains("held by static Cache.handle"), held.toString());
    assertEquals(Optional.empty(), held.knownLeak());
    LeakSite known = report.known().get(0);
    assertEquals(192, known.bytes());
    String sentence = "known leak of rocksdbjni, facebook/rocksdb#15036";
    assertEquals(Optional.of(sentence), known.knownLeak());
    assertTrue(known.toString().contains(sentence), known.toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"judged\tlost\t", "site\t1\t1\tnew\njudged\tfound\t", "library\tx", "own\t1\t0"})
  void aVerdictBelongsToASite(String rows) {
    String lines = "hackleak-lines\t1\ntotal\t1\t1\n" + rows + "\nend\n";
    assertThrows(ReporterException.class, () -> LinesParser.parse(lines));
  }

  @Test
  void framesKnowWhatIsKnown() throws ReporterException {
    LeakSite site = LinesParser.parse(WHOLE).sites().get(0);

    NativeFrame inlined = (NativeFrame) site.frames().get(0);
    assertFalse(inlined.isJava());
    assertTrue(inlined.isInlined());
    assertEquals(0x1f3, inlined.offset());
    assertEquals(OptionalInt.of(9), inlined.line());
    assertEquals("victim::leak(int) (inlined)  victim.cpp:9", inlined.toString());

    NativeFrame stripped = (NativeFrame) site.frames().get(1);
    assertEquals(Optional.empty(), stripped.function());
    assertEquals(OptionalInt.empty(), stripped.line());
    assertEquals("libvictim.so+0x2a0", stripped.toString());

    JavaFrame crossing = (JavaFrame) site.frames().get(2);
    assertTrue(crossing.isNativeMethod());
    assertEquals("com.example.Victim.leak(Native Method)", crossing.toString());

    JavaFrame test = (JavaFrame) site.frames().get(3);
    assertEquals("com.example.VictimTest", test.className());
    assertEquals("com.example.VictimTest.leaks(VictimTest.java:12)", test.toString());
  }

  @Test
  void figuresAloneStillReadWell() throws ReporterException {
    LeakReport report =
        LinesParser.parse(
            "hackleak-lines\t1\ntotal\t5\t1\nsite\t5\t1\tnew\n"
                + "native\tf\t\t0\t/lib/a.so\t1\t0\nnote\tno symbols\nend\n");

    assertEquals(
        "5 bytes leaked in 1 block at 1 site\n\n"
            + "1) 5 bytes in 1 block, new\n    #0 f\n\nnote: no symbols",
        report.toString());
  }

  @Test
  void stacksReadFromJavaToNative() throws ReporterException {
    LeakSite site =
        LinesParser.parse(
                "hackleak-lines\t1\ntotal\t5\t1\nsite\t5\t1\tnew[]\n"
                    + "native\tinner\t\t0\t/lib/a.so\t1\t0\n"
                    + "java\tA\tcalled\tA.java\t0\t1\n"
                    + "java\tA\tback\tA.java\t7\t0\n"
                    + "native\touter\ta.cpp\t9\t/lib/a.so\t2\t0\n"
                    + "native\tentry\ta.cpp\t8\t/lib/a.so\t3\t0\n"
                    + "java\tA\tcall\tA.java\t0\t1\n"
                    + "java\tATest\ttest\tATest.java\t3\t0\n"
                    + "mark\tmore\nend\n")
            .sites()
            .get(0);
    assertEquals(
        String.join(
            "\n    ",
            "5 bytes in 1 block, new[]",
            "at A.called(Native Method)",
            "at A.back(A.java:7)",
            "native:",
            "  #0 inner",
            "called from",
            "at A.call(Native Method)",
            "at ATest.test(ATest.java:3)",
            "native:",
            "  #0 outer  a.cpp:9",
            "  #1 entry  a.cpp:8",
            "(more)"),
        site.toString());
  }

  @Test
  void muchIsCutShort() throws ReporterException {
    StringBuilder lines = new StringBuilder("hackleak-lines\t1\ntotal\t55\t11\n");
    for (int site = 0; site < 11; site++) {
      lines.append("site\t5\t1\tnew\n");
      for (int frame = 0; frame < 21; frame++) {
        lines.append("native\tf\t\t0\t/lib/a.so\t1\t0\n");
      }
      for (int frame = 0; frame < 120; frame++) {
        lines.append("java\tA\tm\tA.java\t7\t0\n");
      }
    }
    LeakReport report = LinesParser.parse(lines.append("end\n").toString());
    String text = report.toString();
    assertEquals(
        10, text.split("\n    at A.m\\(A.java:7\\)\n    ... 100 more frames\n", -1).length - 1);
    assertEquals(10, text.split("\n      #19 f\n      ... 1 more frames\n", -1).length - 1);
    assertTrue(text.contains("\n... 1 more site\n"), text);
    assertEquals(11, report.sites().size());
    assertEquals(141, report.sites().get(10).frames().size());
  }

  @Test
  void invalidFreesAndBlindLibrariesFailWhatHasNoLeaks() throws ReporterException {
    String lines =
        "hackleak-lines\t1\ntotal\t0\t0\n"
            + "invalidFree\tmismatch\t2\tnew[]\t1999993\tit was freed by delete\nfreed\n"
            + "native\tby_delete\ta.cpp\t3\t/lib/a.so\t1\t0\nallocated\n"
            + "java\tA\tmake\tA.java\t7\t0\n";
    LeakReport failing = LinesParser.parse(lines + "verdict\tinvalidFrees\nend\n");
    assertTrue(failing.fails());
    assertFalse(failing.hasLeaks());
    InvalidFree invalid = failing.invalidFrees().get(0);
    assertEquals(2, invalid.count());
    assertEquals("it was freed by delete", invalid.toString());
    assertEquals("[by_delete  a.cpp:3]", invalid.freed().toString());
    assertEquals("[A.make(A.java:7)]", invalid.allocated().toString());
    assertFalse(LinesParser.parse(lines + "verdict\tclean\nend\n").fails());

    String blind = "hackleak-lines\t1\ntotal\t0\t0\nblind\t/lib/a.so\thidden\n";
    assertTrue(LinesParser.parse(blind + "strict\nend\n").fails());
    blind += "end\n";
    assertFalse(LinesParser.parse(blind).fails());
    assertEquals("[/lib/a.so: hidden]", LinesParser.parse(blind).blindLibraries().toString());
  }

  @Test
  void aReportThatWasCutOffIsAnError() {
    String cut = WHOLE.substring(0, WHOLE.indexOf("end"));
    ReporterException e = assertThrows(ReporterException.class, () -> LinesParser.parse(cut));
    assertTrue(e.getMessage().contains("incomplete"), e.getMessage());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "total\t1\t1\nend",
        "hackleak-lines\t2\ntotal\t1\t1\nend",
        "hackleak-lines\t1\nend",
        "hackleak-lines\t1\ntotal\t1\t1\nend\ntext\tmore",
        "hackleak-lines\t1\ntotal\t-1\t1\nend",
        "hackleak-lines\t1\ntotal\tmany\t1\nend",
        "hackleak-lines\t1\ntotal\t1\nend",
        "hackleak-lines\t1\ntotal\t1\t1\nsurprise\t1\nend",
        "hackleak-lines\t1\ntotal\t1\t1\nmark\tno site\nend",
        "hackleak-lines\t1\ntotal\t1\t1\nincomplete\nend",
        "hackleak-lines\t1\ntotal\t1\t1\nfreed\nend",
        "hackleak-lines\t1\ntotal\t1\t1\ninvalidFree\tsize\t1\tnew\t1\tit\nfreed\nend",
        "hackleak-lines\t1\ntotal\t1\t1\nnote\tends in \\\nend",
        "hackleak-lines\t1\ntotal\t1\t1\nnote\tunknown \\x\nend",
        "hackleak-lines\t1\ntotal\t1\t1\nsite\t1\t1\tnew\njava\tC\tm\tC.java\t99999999999\t0\nend",
        "hackleak-lines\t1\ntotal\t1\t1\nsite\t1\t1\tnew\njava\tC\tm\tC.java\t1\tyes\nend",
      })
  void malformedIsAnError(String lines) {
    assertThrows(ReporterException.class, () -> LinesParser.parse(lines));
  }
}
