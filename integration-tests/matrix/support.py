"""What came of a cell, and the page that tells of all of them."""


class Result:
    """The runs of a cell: `G1 verdict` and the like."""

    def __init__(self, cell, jdk=None, glibc=None, failed=None):
        self.cell, self.jdk, self.glibc = cell, jdk, glibc
        self.passed, self.absent, self.failed = [], [], failed or {}

    def line(self):
        """One line, and below it what deviates: the first run of each part, 20 lines of it."""
        said = f"{self.cell.name}: JDK {self.jdk}, glibc {self.glibc}: "
        said += f"{len(self.passed)} runs as expected"
        if self.absent:
            said += f"; not in this JDK: {', '.join(self.absent)}"
        if self.failed:
            said += f"; DEVIATES: {', '.join(self.failed)}"
        shown = set()
        for run, lines in self.failed.items():
            part = run.rsplit(" ", 1)[-1]
            if part not in shown:
                said += "".join(f"\n    {run}: {line}" for line in lines[:20])
            shown.add(part)
        return said

    def of(self, run):
        """What the table says of a collector or compiler."""
        if run in self.absent:
            return "–"
        if not self.jdk:
            return f"fails: {', '.join(self.failed)}"
        parts = [name.removeprefix(f"{run} ") for name in self.failed if name.startswith(f"{run} ")]
        if parts:
            return f"fails: {', '.join(parts)}"
        return "yes" if any(name.startswith(f"{run} ") for name in self.passed) else "not run"


HEAD = """# What was run

HackLeak is for Linux on x86-64 with glibc 2.28 or newer, and HotSpot. `make matrix` runs it on the
JDKs and C libraries below and writes this page; {date} is when.

One program runs with each collector and compiler, in a root that has Debian's package of the JDK
and what that needs. Numbers are compared to the byte, places in Java by name and line:

- `leak`: `malloc`, `new`, global references, from compiled code, virtual threads (JDK 21 and
  later), a class that is unloaded then, and in `GetPrimitiveArrayCritical` during collections;
- `clean`: the same, given back, and no leak is found;
- `agent`: `leak` with `-agentpath` in place of `LD_PRELOAD`;
- `verdict`: checks in process, with what is lost, held and given back, and with its holder;
- `junit`: a suite on JUnit's launcher, of which one test leaks and fails, with the jars alone;
- `return`, `exit`, `halt`, `throw`, `term`: the ends of a JVM with `exit=report`.

"""
# What a deviation that is known has in it, and what it means.
WHY = [
    ("it is not known how this C library keeps threads", """\
- `verdict` and `halt` with glibc {glibc}: it does not export how it keeps threads. So nobody
  knows who holds what is live, and all of it counts as leaked. Each report says so.
"""),
]
# What failed in some run, and not in each.
RARE = """\
- `return` with C1 on JDK 27, in 3 of some 180 runs on 27 November 2026: one of the 2 lost blocks
  was told as held by the stack of a thread that made and freed blocks meanwhile.
"""
TAIL = """
`yes`: every part was as expected. `fails` names the parts that were not. `–`: the JDK does not
have it, or has it in every run: ZGC is generational from JDK 24 on, and headers of objects are
compact from JDK 27 on.

What the rows do not name was not run by this: other vendors' JDKs, other pairs of JDK and C
library. On aarch64 the same program [was emulated](internals/aarch64.md). The recorder loads on
glibc 2.28 by the versions of the symbols that it asks for; the oldest one that was run is in the
table. [Testing](internals/testing.md) has the other suites.
"""


def page(results, runs, date):
    """The page of docs; its table is wide, as tables may be."""
    rows = [["JDK", "glibc", "processor", *runs, "date"], ["---"] * (len(runs) + 4)]
    for result in sorted(results, key=lambda result: (result.cell.jdk, result.glibc or "")):
        jdk, glibc = result.jdk or result.cell.jdk, result.glibc or f"of {result.cell.suite}"
        rows.append([str(jdk), glibc, "x86-64", *map(result.of, runs), str(date)])
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    return HEAD.format(date=date) + table + TAIL + reasons(results)


def reasons(results):
    """Why something fails, as far as that is known."""
    said = ""
    for words, sentence in WHY:
        met = [result for result in results
               if any(words in line for lines in result.failed.values() for line in lines)]
        if met:
            versions = sorted({result.glibc for result in met})
            said += sentence.format(glibc=" and ".join(versions))
    return f"\n## What fails\n\n{said}{RARE}"
