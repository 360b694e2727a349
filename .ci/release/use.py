#!/usr/bin/env python3
"""Uses what `.ci/dist` has made as somebody would who has nothing else.

    use.py DIST VERSION WORK

The tarball is unpacked in a folder, and its command finds the leak of a C program. The bundle becomes a Maven
repository of its own; what is not HackLeak's comes from the user's repository, which a run of the same build without
HackLeak fills first. There, without the network, README's block finds the leak of a JUnit test, and Gradle's plugin by
its id that of a JUnit 4 one. Debuggers find the debugging information by the build-id.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCES = HERE.parents[1] / "integration-tests/projects/plugins/sources"
PLATFORM = "linux-x86_64"
SAID = "1,999,993 bytes leaked in 1 block"
LEAK = """\
#include <stdlib.h>
int main(int count, char **arguments) {
  char *block = malloc(1999993);
  block[0] = 1;
  if (count > 1) free(block);
  return arguments == NULL;
}
"""
JUNIT4 = """\
package example;

import org.junit.Test;

public class LeakyTest {
  @Test
  @SuppressWarnings("resource")
  public void forgetsToClose() {
    new NativeBlock(1_999_993);
  }
}
"""


def run(*command, folder, code, says=(), environment=None):
    """Runs a command that must end with this code (`None`: with any but 0) and say these things."""
    ended = subprocess.run(
        list(map(str, command)), cwd=folder, env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    right = ended.returncode != 0 if code is None else ended.returncode == code
    missed = [text for text in says if text not in ended.stdout]
    if not right or missed:
        print(ended.stdout)
        sys.exit(f"UNEXPECTED: {' '.join(map(str, command))}\nended with {ended.returncode}, and does not say {missed}")
    return ended.stdout


def good(sentence):
    print(f"as expected: {sentence}", flush=True)


def unpack(file, folder):
    with tarfile.open(file) as packed:
        packed.extractall(folder, filter="data")


def command_line(dist, version, work):
    name = f"hackleak-{version}-{PLATFORM}"
    unpack(dist / f"{name}.tar.gz", work)
    unpack(dist / f"{name}-debug.tar.gz", work)
    home = work / name
    for file in ("LICENSE", "NOTICE", "include/hackleak.h", "share/man/man1/hackleak-run.1",
                 "share/bash-completion/completions/hackleak", "share/doc/hackleak/README.md"):
        if not (home / file).is_file():
            sys.exit(f"UNEXPECTED: the tarball has no {file}")
    hackleak = home / "bin/hackleak"
    run(hackleak, "--version", folder=work, code=0, says=[f"hackleak {version}"])
    (work / "leak.c").write_text(LEAK)
    run("cc", "-g", "-O0", "-o", "leak", "leak.c", folder=work, code=0)
    recorded = [hackleak, "run", "--follow", "all", "--track", "new+malloc"]
    run(*recorded, "./leak", folder=work, code=23, says=[SAID, "leak.c:3"])
    run(*recorded, "./leak", "clean", folder=work, code=0, says=["no leaks"])
    good("the command of the tarball finds the leak of a C program, and none in its clean twin")
    if shutil.which("gdb"):
        debug = work / f"{name}-debug/lib/debug"
        for file, function, source in (
            ("bin/hackleak", "hackleak::main", "hackleak-cli/src/main.rs"),
            ("lib/libhackleak.so", "hackleak::cold::process::lifecycle::constructor", "process/lifecycle.rs"),
        ):
            symbols = run("nm", "-C", home / file, folder=work, code=0)
            (address,) = re.findall(rf"^(\w+) t {function}$", symbols, re.MULTILINE)
            told = ["gdb", "-batch", "-nx", "-ex", f"info line *0x{address}"]
            run(*told, home / file, folder=work, code=0, says=["No line number"])
            run(*told, "-iex", f"set debug-file-directory {debug}", home / file, folder=work, code=0, says=[source])
        good("gdb finds the lines of both binaries by their build-ids")
    else:
        print("SKIPPED: the debugging information: gdb is missing")


def users_repository():
    """The folder in which Maven keeps what it has downloaded."""
    named = re.search(r"-Dmaven\.repo\.local=(\S+)", os.environ.get("MAVEN_OPTS", ""))
    return Path(named[1]) if named else Path.home() / ".m2/repository"


def project(folder, block):
    shutil.copytree(SOURCES / "main/java", folder / "src/main/java")
    tests = folder / "src/test/java/example"
    tests.mkdir(parents=True)
    for test in ("CleanTest.java", "LeakyTest.java"):
        shutil.copy(SOURCES / f"test/java/example/{test}", tests)
    pom = (HERE / "user/pom.xml").read_text()
    (folder / "pom.xml").write_text(pom.replace("<!-- README's block -->", block))
    java = Path(os.environ.get("JAVA_HOME") or Path(shutil.which("javac")).resolve().parents[1])
    run("c++", "-shared", "-fPIC", "-g", f"-I{java}/include", f"-I{java}/include/linux", "-o", "libnative_block.so",
        SOURCES / "main/native/native_block.cpp", folder=folder, code=0)
    return folder


def readme_block(text, version):
    (block,) = re.findall(r"```xml\n(<plugin>\s*<groupId>dev\.hackleak</groupId>.*?</plugin>)\n```", text, re.DOTALL)
    if f"<version>{version}</version>" not in block:
        sys.exit(f"UNEXPECTED: README's block does not name {version}: {block}")
    return block


def repository(bundle, version, work):
    """A repository with what the bundle has, and what is not HackLeak's."""
    made = work / "repository"
    # What belongs to HackLeak comes from nowhere else.
    shutil.copytree(users_repository(), made, symlinks=True, ignore=lambda folder, names: {
        "hackleak"} & set(names) if Path(folder).name == "dev" else set())
    if (made / "dev/hackleak").exists():
        sys.exit("UNEXPECTED: the seed of the repository has HackLeak")
    with zipfile.ZipFile(bundle) as packed:
        packed.extractall(made)
    versions = {path.name for path in (made / "dev/hackleak").glob("*/*")}
    if versions != {version}:
        sys.exit(f"UNEXPECTED: the bundle has the versions {versions}")
    return made


def maven(dist, version, work):
    mvn = ["mvn", "-B", "-ntp", "-Dstyle.color=never"]
    # Without HackLeak the test that leaks passes.
    bare = project(work / "bare", "")
    run(*mvn, "test", folder=bare, code=0, says=["Tests run: 2, Failures: 0, Errors: 0"])
    made = repository(dist / f"hackleak-{version}-central.zip", version, work)
    readme = work / f"hackleak-{version}-{PLATFORM}/share/doc/hackleak/README.md"
    user = project(work / "user", readme_block(readme.read_text(), version))
    alone = {"MAVEN_OPTS": f"-Dmaven.repo.local={made}"}
    run(*mvn, "-o", "test", folder=user, code=None, environment=alone,
        says=[SAID, "LeakyTest.forgetsToClose", "Tests run: 2, Failures: 1", "hackleak: 2 tests checked in 1 JVM, 1 leaked"])
    run(*mvn, "-o", "test", "-Dtest=CleanTest", folder=user, code=0, environment=alone,
        says=["hackleak: 1 test checked in 1 JVM, 0 leaked"])
    good("README's block finds the leak of a JUnit test, with nothing but the bundle and without the network")
    return made


def gradle(made, version, work):
    if not shutil.which("gradle"):
        print("SKIPPED: the Gradle plugin: gradle is missing")
        return
    user = project(work / "user-gradle", "")
    (user / "src/test/java/example/LeakyTest.java").write_text(JUNIT4)
    (user / "src/test/java/example/CleanTest.java").unlink()
    for file in ("build.gradle", "settings.gradle"):
        (user / file).write_text((HERE / "user" / file).read_text().replace("VERSION", version))
    run("gradle", "--no-daemon", "--offline", "--console", "plain", "-g", work / "gradle-home",
        f"-PmavenRepository={made}", "test", "hackleakCheck", "--continue", folder=user, code=None,
        says=[SAID, "LeakyTest.forgetsToClose", "hackleak: native memory leaked"])
    good("Gradle's plugin, found by its id in the bundle, finds the leak of a JUnit 4 test")


def main(dist, version, work):
    dist, work = Path(dist).resolve(), Path(work).resolve()
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    for variable in ("HACKLEAK_LIBRARY", "HACKLEAK_OPTIONS", "LD_PRELOAD", "JAVA_TOOL_OPTIONS"):
        os.environ.pop(variable, None)
    command_line(dist, version, work)
    gradle(maven(dist, version, work), version, work)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
