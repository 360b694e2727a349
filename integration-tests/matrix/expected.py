"""What the program of the matrix must lead to, to the byte and to the line."""

import re
from pathlib import Path

SOURCES = Path(__file__).resolve().parent
# Ways to end, and the exit code of each.
ENDINGS = [("return", 0), ("exit", 3), ("halt", 4), ("throw", 1), ("term", 143)]
# Bytes of a block, blocks, kind, the method and the mark of its line, the first JDK that can.
PLANTED = [
    (1_999_993, 2, "malloc", "Matrix.plain", "malloc", 11),
    (1_500_007, 3, "new", "Matrix.plain", "new", 11),
    (0, 5, "global reference", "Matrix.references", "reference", 11),
    (10_007, 200, "malloc", "Matrix.inCriticalSections", "critical", 11),
    # A lambda's name is the compiler's choice.
    (765_433, 4, "malloc", "Matrix.lambda", "compiled", 11),
    (1_300_021, 3, "malloc", "MatrixUnloadable.run", "unloadable", 11),
    (10_037, 100, "malloc", "Matrix.onVirtualThread", "before", 21),
    (10_039, 100, "malloc", "Matrix.onVirtualThread", "after", 21),
]
# What `verdict` prints, as regular expressions; [mark] is the line with this mark. Where there are
# several holders, any of them is right: a buffer has a static field and the list of cleaners.
VERDICT = r"""
clean: 0 lost, 0 held
lost: 1 lost, 0 held
  lost 1000033 LOST at Matrix\.lambda\S*:[lost]
static: 0 lost, 1 held
  held 1000037 by static Matrix\.kept
static, given back: 0 lost, 0 held
static, emptied: 1 lost, 0 held
  lost 1000039 LOST at Matrix\.lambda\S*:[emptied]
array: 0 lost, 1 held
  held 1000081 by static Matrix\.array .* long\[\]
global: 0 lost, 1 held
  held 1000099 by global_block \(libmatrix\.so \.bss\)
global reference: 1 lost, 0 held
  lost 0 LOST at Matrix\.lambda\S*:[global reference]
global reference, given back: 0 lost, 0 held
buffer: 0 lost, 1 held
  held 1000120 by .*java\.nio\.DirectByteBuffer(\$Deallocator)?\.address
buffer, garbage: 0 lost, 0 held
cleaner: 0 lost, 0 held
read: 1 lost, 1 held
  lost 1000151 LOST at Matrix\.lambda\S*:[read]
  held 0 by .*\.fd
assertion: 1,999,993 bytes leaked in 1 block at 1 site since .*\(Matrix\.java:[assertion]\)
"""


def marks():
    """The number of each line that ends with `// here: MARK`."""
    found = {}
    for file in SOURCES.rglob("*.java"):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            mark = re.search(r"// here: (.+)$", line)
            if mark:
                found[mark.group(1)] = number
    return found


MARKS = marks()


class Lines:
    """What is due on one JDK."""

    def __init__(self, jdk):
        self.jdk = jdk

    def of_report(self, process, what):
        """The deviations of a report on the program that leaks, or on its clean twin."""
        lost = {name: count for name, count in process["counters"].items() if count}
        wrong = [f"not recorded: {lost}"] if lost else []
        if process["verdict"] != {"leak": "leaks", "clean": "clean"}[what]:
            wrong.append(f"the verdict is {process['verdict']}")
        sites = list(process["leaks"]["sites"])
        due = PLANTED if what == "leak" else []
        for size, count, kind, method, mark, since in due:
            if self.jdk < since:
                continue
            # A stack for each line: what was made in several threads may be several sites.
            mine = [site for site in sites
                    if (site["bytes"], site["kind"]) == (size * site["blocks"], kind)]
            sites = [site for site in sites if site not in mine]
            blocks = sum(site["blocks"] for site in mine)
            if blocks != count:
                wrong.append(f"{blocks} blocks of {size} bytes of {kind}, not {count}")
            wrong += [f"not {method}:{MARKS[mark]}, but {told(site)}"
                      for site in mine if not is_there(site, method, mark)]
        return wrong + [f"unexpected: {told(site)}" for site in sites]

    def of_verdict(self, out, err):
        told = out.splitlines()
        due = VERDICT.strip().splitlines()
        wrong = []
        for number in range(max(len(told), len(due))):
            line = told[number] if number < len(told) else "nothing"
            pattern = due[number] if number < len(due) else "nothing more"
            if not re.fullmatch(self.with_lines(pattern), line):
                wrong += [f"due: {pattern}", f"told: {line}"]
                break
        return wrong and wrong + err.splitlines() + [f"all of it: {line}" for line in told]

    def with_lines(self, pattern):
        return re.sub(r"(?<!\\)\[([a-z ]+)\]", lambda mark: str(MARKS[mark.group(1)]), pattern)

    def of_junit(self, ended):
        code, out, err = ended
        due = ["frees() [OK]", "forgets() [X] 1,999,993 bytes leaked in 1 block at 1 site",
               f"MatrixTest.forgets(MatrixTest.java:{MARKS['forgets']})", "1 tests failed",
               "1 tests successful"]
        wrong = [f"not told: {line}" for line in due if line not in re.sub(r" +", " ", out)]
        # JUnit's own code for a test that failed.
        wrong += [] if code == 1 else [f"code {code}, not 1"]
        return wrong and wrong + out.splitlines() + err.splitlines()

    def of_ending(self, ended, how, code):
        ended_with, out, err = ended
        wrong = [] if ended_with == code else [f"code {ended_with}, not {code}"]
        if out != ("started\n" if how == "halt" else "started\nhook ran\n"):
            wrong.append(f"stdout: {out!r}")
        line = f"by Matrix.end(Matrix.java:{MARKS['end']})"
        head = "1,530,866 bytes leaked in 2 blocks at 1 site since the start of the process"
        if err.count(head) != 1 or line not in err:
            wrong.append(f"not told: {head}, {line}")
        if (how == "throw") != ("IllegalStateException: planned" in err):
            wrong.append("the exception is told wrongly")
        return wrong and wrong + err.splitlines()


def is_there(site, method, mark):
    line = f":{MARKS[mark]}"
    return any(frame.startswith(method) and frame.endswith(line) for frame in java(site))


def told(site):
    where = " < ".join(java(site))
    return f"{site['bytes']} bytes in {site['count']} of {site['kind']}: {where}"


def java(site):
    return [f"{frame['class']}.{frame['method']}:{frame.get('line')}"
            for frame in site["frames"] if frame["type"] == "java"]
