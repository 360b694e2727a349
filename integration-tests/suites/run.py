#!/usr/bin/env python3
"""Runs the own tests of another project under HackLeak, and prints what failed and the times.

    run.py SUITE CHECKOUT [--work DIR] [--tests PATTERN | --classes A,B] [--batch N]
                          [--limit SECONDS] [--once] [--keep]

SUITE is a name from suites.json, CHECKOUT a folder with that project's sources. The tests are
copied into a Maven project of their own, which has the released jar of the library, the block
of the HackLeak plugin and nothing else of ours. JUnit 4 has no extension that a build could
switch on, so there each test class gets the rule. Nothing is suppressed.

The tests run bare first (`-Dhackleak.skip=true`), then recorded. A test that fails bare as well
is the suite's own failure and counts neither way. What a recorded test leaked is listed by the
sites of its LeakError; whether that is a true leak only a person can say: docs/trust.md does.

With `--batch`, so many test classes share one start of Maven, bare and then recorded, and
`--limit` ends a start that takes longer. What the classes judged that had ended by then counts;
the classes that had not are named. An interrupted run prints its table, too. `--keep` goes on
with the project that an earlier run has compiled.
"""

import argparse
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from xml.sax.saxutils import escape

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
PLUGIN_VERSION = "0.1.0-SNAPSHOT"
PLUGINS = {
    "maven-clean-plugin": "3.5.0",
    "maven-resources-plugin": "3.5.0",
    "maven-compiler-plugin": "3.16.0",
}

RULE = """
  @org.junit.Rule(order = Integer.MIN_VALUE)
  public final dev.hackleak.junit4.NoLeaksRule hackLeakRule =
      dev.hackleak.junit4.NoLeaksRule.noLeaks();
"""


def dependency(coordinates):
    """`group:artifact:version[:classifier]`, then `!group:artifact` for what it must not bring."""
    own, *unwanted = coordinates.split("!")
    group, artifact, version, *classifier = own.split(":")
    lines = [f"<groupId>{group}</groupId>", f"<artifactId>{artifact}</artifactId>"]
    lines.append(f"<version>{version}</version>")
    lines += [f"<classifier>{name}</classifier>" for name in classifier]
    if unwanted:
        lines.append("<exclusions>")
        for group, artifact in (name.split(":") for name in unwanted):
            lines.append(
                f"<exclusion><groupId>{group}</groupId>"
                f"<artifactId>{artifact}</artifactId></exclusion>"
            )
        lines.append("</exclusions>")
    return "<dependency>" + "".join(lines) + "</dependency>"


def pom(name, suite):
    dependencies = list(suite["dependencies"])
    if suite.get("junit4"):
        dependencies.append(f"dev.hackleak:hackleak-junit4:{PLUGIN_VERSION}")
    plugins = "".join(
        f"<plugin><artifactId>{artifact}</artifactId><version>{version}</version></plugin>"
        for artifact, version in PLUGINS.items()
    )
    properties = "".join(
        f"<{key}>{escape(value)}</{key}>" for key, value in suite.get("properties", {}).items()
    )
    excludes = "".join(f"<exclude>{escape(e)}</exclude>" for e in suite.get("excludes", []))
    processor = "".join(
        f"<arg>{escape(a)}</arg>" for a in suite.get("compilerArgs", [])
    )
    return f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion>
<groupId>example</groupId><artifactId>suite-{name}</artifactId><version>1</version>
<properties>
<project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
<maven.compiler.release>17</maven.compiler.release>
</properties>
<dependencies>{"".join(map(dependency, dependencies))}</dependencies>
<build><plugins>{plugins}
<plugin><artifactId>maven-surefire-plugin</artifactId><version>3.6.1</version><configuration>
<argLine>{escape(suite.get("argLine", ""))}</argLine>
<reuseForks>{json.dumps(suite.get("reuseForks", True))}</reuseForks>
<enableAssertions>true</enableAssertions>
<trimStackTrace>false</trimStackTrace>
<excludes>{excludes}</excludes>
<systemPropertyVariables>{properties}</systemPropertyVariables>
</configuration></plugin>
<plugin><artifactId>maven-compiler-plugin</artifactId><configuration>
<compilerArgs>{processor}</compilerArgs></configuration></plugin>
<plugin>
  <groupId>dev.hackleak</groupId>
  <artifactId>hackleak-maven-plugin</artifactId>
  <version>{PLUGIN_VERSION}</version>
  <extensions>true</extensions>
</plugin>
</plugins></build>
</project>
"""


def with_rule(source):
    """Gives a JUnit 4 class the rule, unless it inherits it or has no tests."""
    if "org.junit.Test" not in source and "org.junit.*" not in source:
        return source
    found = re.search(r"^public (?:abstract )?class \w+[^{]*\{", source, re.MULTILINE)
    if not found or re.search(r"extends \w+Test\b", found.group()):
        return source
    return source[: found.end()] + RULE + source[found.end() :]


def lay_out(name, suite, checkout, project):
    if project.exists():
        shutil.rmtree(project)
    project.mkdir(parents=True)
    for kind in ("java", "resources"):
        target = project / "src" / "test" / kind
        for folder in suite.get(kind, []):
            source = checkout / folder
            if not source.is_dir():
                sys.exit(f"run.py: {checkout} has no {folder}: is it a checkout of {name}?")
            shutil.copytree(source, target, dirs_exist_ok=True)
        for unwanted in suite.get("without", []) if kind == "java" else []:
            for path in target.glob(unwanted):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    for source in suite.get("files", []):
        to = project / source
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(checkout / source, to)
    if suite.get("junit4"):
        for path in (project / "src" / "test" / "java").rglob("*.java"):
            path.write_text(with_rule(path.read_text()))
    (project / "pom.xml").write_text(pom(name, suite))


def maven(project, log, *arguments, limit=None):
    """Maven's exit code, None when it was ended at the limit, and seconds by the clock and of
    processor time, of Maven and of the test JVMs together."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    with open(log, "w") as output:
        process = subprocess.Popen(
            ["mvn", "-B", "-ntp", "-Dstyle.color=never", *arguments],
            cwd=project,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            # The test JVM is a child of Maven's, and would otherwise run on.
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return code, wall, cpu


def outcomes(project):
    """Test → None when it passed, "skipped", or (type, text) of its failure."""
    found = {}
    repeated = Counter()
    for report in sorted((project / "target" / "surefire-reports").glob("TEST-*.xml")):
        for case in ET.parse(report).getroot().iter("testcase"):
            test = f"{case.get('classname')}.{case.get('name')}"
            repeated[test] += 1
            if repeated[test] > 1:
                test += f" #{repeated[test]}"
            failure = case.find("failure")
            if failure is None:
                failure = case.find("error")
            if failure is not None:
                found[test] = (failure.get("type") or "", failure.text or "")
            else:
                found[test] = "skipped" if case.find("skipped") is not None else None
    return found


def sites(text):
    """The head of each site of a LeakError: its size, and where it was allocated."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if re.match(r"\s*\d+\) ", line):
            frames = []
            for following in lines[number + 1 : number + 12]:
                following = following.strip()
                if re.match(r"\d+\) ", following) or not following:
                    break
                if following.startswith(("at ", "#", "likely owner", "held", "native")):
                    frames.append(following)
            yield line.strip(), frames


def batches(project, arguments):
    """Values of Surefire's -Dtest, one for each start of Maven; None is all tests."""
    if arguments.classes:
        classes = arguments.classes.split(",")
    elif arguments.batch:
        sources = sorted((project / "src" / "test" / "java").rglob("*.java"))
        classes = [p.stem for p in sources if re.match(r"Test\w|\w+Tests?$", p.stem)]
        classes = [c for c in classes if not c.startswith(("Abstract", "ITTest"))]
    else:
        return [arguments.tests]
    size = arguments.batch or len(classes)
    return [",".join(classes[at : at + size]) for at in range(0, len(classes), size)]


class Side:
    """What the starts of one mode, bare or recorded, have had for outcomes, and their times."""

    def __init__(self, mode):
        self.mode, self.ran, self.wall, self.cpu, self.cut = mode, {}, 0.0, 0.0, []

    def run(self, project, tests, number, limit):
        shutil.rmtree(project / "target" / "surefire-reports", ignore_errors=True)
        log = project / f"{self.mode}-{number}.log"
        options = ["test", "-Dmaven.test.failure.ignore=true"]
        options.append("-Dsurefire.failIfNoSpecifiedTests=false")
        options.append(f"-Dhackleak.{'required' if self.mode == 'recorded' else 'skip'}=true")
        if tests:
            options.append(f"-Dtest={tests}")
        code, wall, cpu = maven(project, log, *options, limit=limit)
        ran = outcomes(project)
        self.ran.update(ran)
        self.wall += wall
        self.cpu += cpu
        if code != 0:
            why = f"ended after {limit} s" if code is None else f"Maven failed with {code}"
            done = {test.rsplit(".", 1)[0].rsplit(".", 1)[-1] for test in ran}
            late = [c for c in (tests or "").split(",") if c not in done]
            late = f"not judged: {', '.join(late)}" if late else "all classes were judged"
            self.cut.append(f"{self.mode}: {why}, {late}, see {log}")
        reports = project / "target" / "surefire-reports"
        if reports.is_dir():
            shutil.copytree(reports, project / f"reports-{self.mode}", dirs_exist_ok=True)
        return ran

    def times(self):
        return f"{self.wall:.1f} s ({self.cpu:.1f} s CPU)" if self.wall else "not run"


def summary(name, bare, recorded):
    own = {test for test, outcome in bare.ran.items() if isinstance(outcome, tuple)}
    ran = recorded.ran
    failed = {t: o for t, o in ran.items() if isinstance(o, tuple) and t not in own}
    leaks = {t: o for t, o in failed.items() if "LeakError" in o[0] or "LeakError" in o[1]}
    for test, (kind, text) in sorted(failed.items()):
        print(f"\nFAILED {test}: {kind}")
        if test not in leaks:
            print("    " + "\n    ".join(text.splitlines()[:8]))
        for head, frames in sites(text):
            print(f"    {head}")
            for frame in frames:
                print(f"        {frame}")
    for cut in bare.cut + recorded.cut:
        print(f"\n{cut}")
    # What fails bare says nothing of HackLeak, so it is not among the tests either.
    count = sum(outcome != "skipped" for test, outcome in ran.items() if test not in own)
    missing = set(bare.ran) - set(ran)
    if missing:
        print(f"\n{len(missing)} tests ran bare only, such as {sorted(missing)[0]}")
    unknown = set(ran) - set(bare.ran) if bare.wall else ()
    if unknown:
        print(f"\n{len(unknown)} tests ran recorded only, such as {sorted(unknown)[0]}")
    print("\n| suite | tests | leaks | failed otherwise | failed bare, too | bare | recorded |")
    print("|---|---|---|---|---|---|---|")
    print(
        f"| {name} | {count} | {len(leaks)} | {len(failed) - len(leaks)} | {len(own)} "
        f"| {bare.times()} | {recorded.times()} |"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suite", choices=sorted(json.loads((HERE / "suites.json").read_text())))
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--work", type=Path, default=REPOSITORY / "target" / "suites")
    parser.add_argument("--tests", help="only these, as Surefire's -Dtest")
    parser.add_argument("--classes", help="only these classes, with commas between")
    parser.add_argument("--batch", type=int, help="so many classes to a start of Maven")
    parser.add_argument("--limit", type=float, help="seconds after which a start is ended")
    parser.add_argument("--once", action="store_true", help="only recorded, not bare")
    parser.add_argument("--keep", action="store_true", help="do not lay the project out anew")
    arguments = parser.parse_args()
    name = arguments.suite
    suite = json.loads((HERE / "suites.json").read_text())[name]
    project = arguments.work.resolve() / name
    if not (arguments.keep and (project / "pom.xml").exists()):
        lay_out(name, suite, arguments.checkout.resolve(), project)
        log = project / "compile.log"
        if maven(project, log, "-q", "test-compile")[0] != 0:
            sys.exit(f"run.py: the tests of {name} do not compile: see {log}")

    def end(*_):
        raise KeyboardInterrupt

    # A shell's background has interrupts ignored, and `timeout` sends the other one.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    bare, recorded = Side("bare"), Side("recorded")
    sides = (recorded,) if arguments.once else (bare, recorded)
    try:
        for number, tests in enumerate(batches(project, arguments), 1):
            for side in sides:
                ran = side.run(project, tests, number, arguments.limit)
                if len(sides) == 2 and side is bare and not ran:
                    break
                print(f"{side.mode} {number}: {len(ran)} tests, {side.times()}", flush=True)
    except KeyboardInterrupt:
        print("\nrun.py: interrupted; what follows is what was judged by then")
    if not recorded.ran:
        sys.exit(f"run.py: no test was judged: see the logs in {project}")
    summary(name, bare, recorded)
    if recorded.cut:
        sys.exit(3)


if __name__ == "__main__":
    main()
