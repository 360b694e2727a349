#!/usr/bin/env python3
"""Runs the own tests of another project under HackLeak, and prints what failed and the times.

    run.py SUITE CHECKOUT [--work DIR] [--tests PATTERN] [--once]

SUITE is a name from suites.json, CHECKOUT a folder with that project's sources. The tests are
copied into a Maven project of their own, which has the released jar of the library, the block
of the HackLeak plugin and nothing else of ours. JUnit 4 has no extension that a build could
switch on, so there each test class gets the rule. Nothing is suppressed.

The tests run bare first (`-Dhackleak.skip=true`), then recorded. A test that fails bare as well
is the suite's own failure and counts neither way. What a recorded test leaked is listed by the
sites of its LeakError; whether that is a true leak only a person can say: docs/trust.md does.
"""

import argparse
import json
import re
import resource
import shutil
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


def maven(project, log, *arguments):
    """Seconds by the clock and of processor time, of Maven and of the test JVMs together."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    with open(log, "w") as output:
        code = subprocess.run(
            ["mvn", "-B", "-ntp", "-Dstyle.color=never", *arguments],
            cwd=project,
            stdout=output,
            stderr=subprocess.STDOUT,
        ).returncode
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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suite", choices=sorted(json.loads((HERE / "suites.json").read_text())))
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--work", type=Path, default=REPOSITORY / "target" / "suites")
    parser.add_argument("--tests", help="only these, as Surefire's -Dtest")
    parser.add_argument("--once", action="store_true", help="only recorded, not bare")
    arguments = parser.parse_args()
    name = arguments.suite
    suite = json.loads((HERE / "suites.json").read_text())[name]
    project = arguments.work.resolve() / name
    lay_out(name, suite, arguments.checkout.resolve(), project)

    log = project / "compile.log"
    if maven(project, log, "-q", "test-compile")[0] != 0:
        sys.exit(f"run.py: the tests of {name} do not compile: see {log}")
    test = ["test", "-Dmaven.test.failure.ignore=true"]
    if arguments.tests:
        test.append(f"-Dtest={arguments.tests}")

    bare, times = {}, {}
    for mode in ("recorded",) if arguments.once else ("bare", "recorded"):
        shutil.rmtree(project / "target" / "surefire-reports", ignore_errors=True)
        log = project / f"{mode}.log"
        options = [f"-Dhackleak.{'required' if mode == 'recorded' else 'skip'}=true"]
        code, *times[mode] = maven(project, log, *test, *options)
        ran = outcomes(project)
        if code != 0 or not ran:
            sys.exit(f"run.py: Maven failed, or no test ran, {mode}: see {log}")
        reports = project / f"reports-{mode}"
        shutil.copytree(project / "target" / "surefire-reports", reports, dirs_exist_ok=True)
        if mode == "bare":
            bare = ran

    own = {test for test, outcome in bare.items() if isinstance(outcome, tuple)}
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
    # What fails bare says nothing of HackLeak, so it is not among the tests either.
    count = sum(outcome != "skipped" for test, outcome in ran.items() if test not in own)
    missing = set(bare) - set(ran)
    if missing:
        print(f"\n{len(missing)} tests ran bare only, such as {sorted(missing)[0]}")

    def seconds(mode):
        return "{:.1f} s ({:.1f} s CPU)".format(*times[mode]) if mode in times else "not run"

    print("\n| suite | tests | leaks | failed otherwise | failed bare, too | bare | recorded |")
    print("|---|---|---|---|---|---|---|")
    print(
        f"| {name} | {count} | {len(leaks)} | {len(failed) - len(leaks)} | {len(own)} "
        f"| {seconds('bare')} | {seconds('recorded')} |"
    )


if __name__ == "__main__":
    main()
