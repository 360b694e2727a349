#!/usr/bin/env python3
"""Runs the block of docs/sbt.md in a real build: the test that leaks fails, by name and numbers, its clean twin passes.

    run.py [JDK-HOME]

HackLeak must be installed in the local Maven repository. sbt's launcher comes from Maven Central, once, to
~/.cache/hackleak-sbt, where sbt keeps its own files, too; SKIPPED where that cannot be had. A line `as expected: ` or
`UNEXPECTED` stands for each thing that is looked at.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import central  # noqa: E402

PAGE = HERE.parents[2] / "docs/sbt.md"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hackleak-sbt"
LIMIT = 600
EXPECTED = {
    "the leak is told with its size": r"233,352 bytes leaked in 7 blocks at 1 site",
    "the test owns it": r"likely owner: example\.BufferTest\.leaks\(BufferTest\.java:\d+\)",
    "the stack reaches the allocation": r"at sun\.misc\.Unsafe\.allocateMemory\(",
    "one test of two fails": r"Total 2, Failed 1, Errors 0, Passed 1",
    "the build fails": r"TestsFailedException",
}


def launcher(version):
    """sbt's launcher; None if it cannot be had."""
    jar = CACHE / f"sbt-launch-{version}.jar"
    if not jar.is_file():
        CACHE.mkdir(parents=True, exist_ok=True)
        return central.copied(f"org.scala-sbt:sbt-launch:{version}", CACHE)
    return jar


def block():
    """The block of the page."""
    return re.search(r"```sbt\n// hackleak\.sbt\n(.*?)```", PAGE.read_text(), re.S).group(1)


def main():
    properties = (HERE / "project/build.properties").read_text()
    jar = launcher(re.search(r"sbt\.version=(\S+)", properties).group(1))
    if jar is None:
        print("SKIPPED: the build with sbt: its launcher cannot be fetched")
        return 0
    java = Path(sys.argv[1]) / "bin/java" if sys.argv[1:] else "java"
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "leaky"
        shutil.copytree(HERE, project, ignore=shutil.ignore_patterns("target", "run.py"))
        (project / "hackleak.sbt").write_text(block())
        places = {"global.base": "global", "boot.directory": "boot", "ivy.home": "ivy"}
        settings = [f"-Dsbt.{name}={CACHE / place}" for name, place in places.items()]
        command = [java, *settings, "-Dsbt.color=false", "-Dsbt.supershell=false", "-jar", jar, "test"]
        ended = subprocess.run(
            command, cwd=project, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=LIMIT, check=False)
        images = list((project / "target/hackleak").glob("*.hackleak"))
    found = {what: re.search(pattern, ended.stdout) for what, pattern in EXPECTED.items()}
    found["sbt says so by its exit code"] = ended.returncode == 1
    found["one JVM is recorded"] = len(images) == 1
    for what, is_there in found.items():
        print(f"as expected: {what}" if is_there else f"UNEXPECTED: not so: {what}")
    if all(found.values()):
        return 0
    print(ended.stdout)
    return 1


if __name__ == "__main__":
    sys.exit(main())
