#!/usr/bin/env python3
"""The Maven plugin with other Mavens than the installed one, from the oldest that it supports to the newest.

    mavens.py                # each Maven with each JDK
    mavens.py --part         # the oldest and the newest with the first JDK, and fewer builds: what `make test` has
    mavens.py 4.0.0-rc-5     # this one, which need not be one of the list

The plugin must be installed in the local repository. What is printed, and the exit code, are those of `run.py maven`.
A Maven is fetched once, by the installed one, to ~/.cache/hackleak-mavens; one that cannot be had is SKIPPED.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import maven_builds
from run import HERE, installed, scenarios_of

sys.path.append(str(HERE.parent))
import central  # noqa: E402

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hackleak-mavens"
VERSIONS = ["3.6.3", "3.8.8", "3.9.11", "4.0.0-rc-5"]
# One for each thing that a Maven may do otherwise: what it lets a plugin change in the model before the build, goals
# that are bound to a phase, other plugins' executions, projects that are built at the same time.
PART = ["maven with the plugin block alone a leaking test fails", "maven two modules at a time"]
SCENARIOS = [
    *PART,
    "maven check fails a build that leaks",
    "maven check passes the clean twin",
    "maven failsafe is recorded and a second run forgets the first",
    "maven settings that cannot be used fail in prepare",
    "maven jacocos argument line is kept",
    "maven skip leaves the tests alone",
]


def fetched(version):
    """The `mvn` of a version; None if it cannot be had."""
    home = CACHE / f"apache-maven-{version}"
    if not (home / "bin/mvn").is_file():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            archive = central.copied(f"org.apache.maven:apache-maven:{version}:zip:bin", folder)
            if archive is None:
                return None
            with zipfile.ZipFile(archive) as files:
                files.extractall(folder)
            (Path(folder) / home.name / "bin/mvn").chmod(0o755)
            shutil.rmtree(home, ignore_errors=True)
            (Path(folder) / home.name).rename(home)
    return home / "bin/mvn"


def main():
    part = "--part" in sys.argv[1:]
    versions = [argument for argument in sys.argv[1:] if argument != "--part"] or VERSIONS
    scenarios = PART if part else SCENARIOS
    unknown = set(scenarios) - {name for name, _ in scenarios_of(maven_builds)}
    if unknown:
        sys.exit(f"there is no scenario {', '.join(sorted(unknown))}")
    failed = False
    for version in [versions[0], versions[-1]] if part else versions:
        maven = fetched(version)
        if maven is None:
            print(f"SKIPPED: the builds with Maven {version}: it cannot be fetched", flush=True)
            continue
        for feature, home in installed()[:1] if part else installed():
            print(f"Maven {version} on JDK {feature}", flush=True)
            environment = {**os.environ, "MAVEN": str(maven), "ONLY": ",".join(scenarios)}
            ended = subprocess.run([HERE / "run.py", "maven", home], env=environment, check=False)
            failed |= ended.returncode != 0
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
