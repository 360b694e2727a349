#!/usr/bin/env python3
"""The recorder on other JDKs and C libraries: one program with exact numbers, in many roots.

    integration-tests/matrix/run.py target/release                # every cell
    integration-tests/matrix/run.py target/release --only 25      # one JDK; or forky, or forky-28
    integration-tests/matrix/run.py target/release --part         # the oldest and the newest
    integration-tests/matrix/run.py target/release --write docs   # and docs/support.md

It prints a line for each cell, and what deviates. It ends with 0, with 1 where something deviates,
and with 2 where it cannot run, and says why: it needs root, mmdebstrap, gcc, Maven, a JDK 17 or
newer, and a mirror of Debian's in apt's configuration. Roots are 300 to 650 MB each. They are made once, in
~/.cache/hackleak-matrix; --cache DIR is another place.
"""

import argparse
import concurrent.futures
import datetime
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import cells
import program
import support

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hackleak-matrix"
PART = ["bullseye-11", "forky-28"]
# Seconds that a root may take: a test run has other things to do than to wait for a mirror.
PART_LIMIT, LIMIT = 150, 1800
# JUnit's launcher, of a version for Java 8.
CONSOLE = "1.11.4"


def give_up(sentence):
    print(f"SKIPPED: the matrix: {sentence}", file=sys.stderr)
    sys.exit(2)


def options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    option = parser.add_argument
    option("release", type=Path, help="the folder with libhackleak.so and hackleak")
    option("--only", metavar="WHAT", action="append", help="cells of this JDK, suite, or SUITE-JDK")
    option("--part", action="store_true", help=f"only {' and '.join(PART)}")
    option("--runs", metavar="NAME", action="append", help="only this collector or compiler")
    option("--write", metavar="DIR", type=Path, help="write support.md there, of all cells")
    option("--cache", metavar="DIR", type=Path, default=CACHE, help="where roots are kept")
    option("--fresh", action="store_true", help="make the roots again")
    option("--jobs", type=int, default=2, help="cells at the same time")
    wanted = parser.parse_args()
    if wanted.write and (wanted.only or wanted.part or wanted.runs):
        give_up("--write tells of the whole matrix: leave out --only, --part and --runs")
    return wanted


def jars(wanted):
    """The jars of a suite, by the names that they get: the project's, and JUnit's launcher."""
    found = {"core": own_jar("hackleak-core"), "junit": own_jar("hackleak-junit")}
    launcher = console(wanted.cache)
    if not launcher:
        give_up("Maven cannot get JUnit's launcher, which runs the suite")
    return {**found, "console": launcher}


def console(cache):
    """JUnit's launcher, with the API of its tests; `None` where it cannot be had."""
    jar = cache / f"junit-platform-console-standalone-{CONSOLE}.jar"
    if not jar.is_file():
        artifact = f"org.junit.platform:junit-platform-console-standalone:{CONSOLE}"
        command = ["mvn", "-q", "-B", "-ntp", "-Dstyle.color=never", "dependency:copy",
                   f"-Dartifact={artifact}", f"-DoutputDirectory={cache}"]
        if subprocess.run(command, stdin=subprocess.DEVNULL).returncode != 0:
            return None
    return jar


def own_jar(module):
    found = ROOT.glob(f"java/{module}/target/{module}-*.jar")
    found = [jar for jar in found if not re.search(r"-(tests|sources|javadoc)\.jar$", jar.name)]
    if len(found) != 1:
        give_up(f"java/{module}/target does not have one jar: `make build` makes it")
    return found[0]


def check_tools(wanted):
    for file in ("libhackleak.so", "hackleak"):
        if not (wanted.release / file).is_file():
            give_up(f"there is no {wanted.release / file}: `make build` makes it")
    if os.geteuid() != 0:
        give_up("the matrix makes roots and changes into them, which needs root: run it with sudo")
    for tool, package in (("mmdebstrap", "mmdebstrap"), ("gcc", "gcc"), ("unshare", "util-linux"),
                          ("javac", "openjdk-17-jdk-headless"), ("mvn", "maven")):
        if not shutil.which(tool):
            give_up(f"{tool} is missing: apt-get install {package}")
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode != 0:
        give_up("mounts are not allowed here: a container needs `docker run --privileged`")


def in_own_namespace():
    """Begins again where mounts are this program's own, and end with it."""
    if os.environ.get("HACKLEAK_MATRIX_MOUNTS") != "own":
        os.environ["HACKLEAK_MATRIX_MOUNTS"] = "own"
        again = [sys.executable, "-B", *sys.argv]
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", *again])


def selected(wanted):
    names = PART if wanted.part else wanted.only
    chosen = [cell for cell in cells.TABLE
              if not names or {cell.suite, str(cell.jdk), cell.name} & set(names)]
    if not chosen:
        known = ", ".join(cell.name for cell in cells.TABLE)
        give_up(f"no cell is called {' or '.join(names)}: there are {known}")
    return chosen


def run_cell(cell, wanted, built):
    """What came of it. A root that cannot be made is a deviation like any other; but not in the part
    that belongs to every test run, because a mirror that is down says nothing of the recorder."""
    try:
        root = cells.root_of(cell, wanted.cache, wanted.fresh, PART_LIMIT if wanted.part else LIMIT)
        result = program.run(cell, root, built, wanted.runs)
    except cells.NoRoot as e:
        result = support.Result(cell, failed={} if wanted.part else {"root": [str(e)]})
        if wanted.part:
            print(f"SKIPPED: {cell.name}: {e}")
    print(result.line(), flush=True)
    return result


def main():
    wanted = options()
    check_tools(wanted)
    built_from = jars(wanted)
    if not cells.mirror():
        give_up("apt knows no mirror of Debian's: add one to its sources, and run `apt-get update`")
    in_own_namespace()
    chosen = selected(wanted)
    with tempfile.TemporaryDirectory(prefix="hackleak-matrix-") as folder:
        built = program.build(Path(folder), wanted.release, built_from, HERE)
        with concurrent.futures.ThreadPoolExecutor(wanted.jobs) as pool:
            results = list(pool.map(lambda cell: run_cell(cell, wanted, built), chosen))
    wrong = sum(len(result.failed) for result in results)
    right = sum(len(result.passed) for result in results)
    if right + wrong == 0:
        give_up("no root could be made")
    print(f"{right} of {right + wrong} runs as expected, in {len(results)} cells")
    if wanted.write:
        runs = [name for name, _, _ in program.RUNS]
        page = support.page(results, runs, datetime.date.today())
        (wanted.write / "support.md").write_text(page, encoding="utf-8")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
