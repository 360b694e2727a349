#!/usr/bin/env python3
"""JVMs for aarch64 under qemu: the program of the matrix, of which is due what is due on x86-64,
and native methods with many arguments, forks and children.

    integration-tests/aarch64/jvm.py                      # builds what is missing; 20 minutes
    integration-tests/aarch64/jvm.py --only 17 --runs C1  # one JDK, one collector or compiler

It prints a line for each JDK, and what deviates. It ends with 0, with 1 where something deviates,
and with 2 where it cannot run, and says why. The kernel is told of qemu in a namespace of its own.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import build
import toolchain

sys.path.append(str(build.ROOT / "integration-tests" / "matrix"))
import cells  # noqa: E402
import program  # noqa: E402
import run as matrix  # noqa: E402

SOURCES = build.ROOT / "integration-tests" / "matrix"
VICTIMS = build.ROOT / "integration-tests" / "victims"
TABLE = [cells.Cell("bookworm", 17), cells.Cell("trixie", 25)]
# What differs most: two collectors with barriers of their own, and code of one compiler alone.
RUNS = ["G1", "Serial", "C1"]
JAVA = "/usr/lib/jvm/java-{jdk}-openjdk-arm64/bin/java"
# A victim, options of the JVM, arguments, processes, and blocks of 1,999,993 bytes of all of them.
# Both mechanisms of the JDK to start a child; the second one forks the JVM itself.
PROGRAMS = [
    ("ManyArguments", ["-Xint"], ["1"], 1, 0),
    ("ManyArguments", [], ["20000"], 1, 0),
    ("ManyArguments", ["-Xcomp", "-XX:CompileCommand=compileonly,ManyArguments::*"], ["20"], 1, 0),
    ("Children", ["-Djdk.lang.Process.launchMechanism=POSIX_SPAWN"], [f"{JAVA} -version"], 2, 1),
    ("Children", ["-Djdk.lang.Process.launchMechanism=FORK"], [f"{JAVA} -version"], 2, 1),
]
HANDLERS = Path("/proc/sys/fs/binfmt_misc")
# The head of an executable file for this processor, and which of its bits are looked at.
HEAD = r"\x7fELF\x02\x01\x01\x00" + r"\x00" * 8 + r"\x02\x00\xb7\x00"
MASK = r"\xff" * 7 + r"\x00" + r"\xff" * 8 + r"\xfe\xff\xff\xff"


def in_own_namespace():
    """Begins again where this program is root of mounts and handlers of its own."""
    if os.environ.get("HACKLEAK_AARCH64_NAMESPACE") != "own":
        os.environ["HACKLEAK_AARCH64_NAMESPACE"] = "own"
        enter = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork",
                 "--kill-child", "--mount-proc", "--propagation", "private"]
        if not shutil.which("unshare"):
            raise toolchain.NoToolchain("unshare is missing: apt-get install util-linux")
        toolchain.run([*enter, "true"], "a namespace of its own is not allowed here")
        os.execvp("unshare", [*enter, sys.executable, "-B", *sys.argv])


def register(qemu):
    """Tells the kernel of qemu: children of a program are emulated, too."""
    toolchain.run(["mount", "-t", "binfmt_misc", "binfmt_misc", HANDLERS],
                  "the kernel knows no handlers of a namespace, as it does from 6.7 on")
    # F: the file is opened now, so that roots need not have it.
    (HANDLERS / "register").write_text(f":hackleak-aarch64:M::{HEAD}:{MASK}:{qemu}:F")


def jar(folder, module, class_path=()):
    """A module's jar, by javac alone: the rest of the project need not be built."""
    source = build.ROOT / "java" / module / "src" / "main"
    classes, made = folder / module, folder / f"{module}.jar"
    if (source / "resources").is_dir():
        shutil.copytree(source / "resources", classes)
    subprocess.run(["javac", "-nowarn", "--release", "8", "-Xlint:-options", "-g", "-d", classes,
                    "-cp", ":".join(map(str, class_path)), "-proc:none",
                    *sorted((source / "java").rglob("*.java"))], check=True)
    subprocess.run(["jar", "cf", made, "-C", classes, "."], check=True)
    return made


def jars(folder):
    """What the program needs, and a suite of JUnit's where Maven can get that."""
    core = jar(folder, "hackleak-core")
    console = matrix.console(folder) if shutil.which("mvn") else None
    if not console:
        print("SKIPPED: the suite: Maven cannot get JUnit's launcher")
        return {"core": core}
    junit = jar(folder, "hackleak-junit", [core, console])
    return {"core": core, "junit": junit, "console": console}


def victims(built, compiler):
    """The other programs, beside the one of the matrix."""
    home = Path(shutil.which("javac")).resolve().parent.parent
    flags = ["-std=c++17", "-O2", "-g", "-fPIC", "-shared", "-pthread", f"-I{VICTIMS / 'cpp'}",
             f"-I{home}/include", f"-I{home}/include/linux"]
    for name in sorted({line[0] for line in PROGRAMS}):
        subprocess.run([compiler, *flags, "-o", built / f"lib{name}.so",
                        VICTIMS / "jni" / f"{name}.cpp"], check=True)
        subprocess.run(["javac", "-g", "--release", "11", "-d", built / "classes", "-cp",
                        built / "core.jar", VICTIMS / "jni" / f"{name}.java"], check=True)


def victim(root, name, options, arguments, count, blocks):
    """The deviations of a victim: from the same without the recorder, and in its report."""
    inside = program.INSIDE
    command = [*options, "-cp", f"{inside}/classes:{inside}/core.jar",
               f"-Dvictim.library={inside}/lib{name}.so", name]
    command += [argument.format(jdk=root.cell.jdk) for argument in arguments]
    bare = root.java(*command)
    shutil.rmtree(root.built / "out", ignore_errors=True)
    recorded = root.java(*command, LD_PRELOAD=f"{inside}/libhackleak.so",
                         HACKLEAK_OPTIONS=f"out={inside}/out,exit=settle")
    if bare[0] != 0 or recorded[:2] != bare[:2]:
        return [*program.said(bare), "recorded:", *program.said(recorded)]
    told = root.run([f"{inside}/hackleak", "report", "--format", "json", f"{inside}/out"])
    try:
        processes = json.loads(told[1])["processes"]
    except ValueError:
        return program.said(told)
    found = [site for process in processes for site in process["leaks"]["sites"]
             if site["bytes"] == 1_999_993 * site["blocks"]]
    lost = [counter for process in processes for counter in process["counters"].items()
            if counter[1]]
    wrong = [f"not recorded: {lost}"] if lost else []
    if (len(processes), sum(site["blocks"] for site in found)) != (count, blocks):
        wrong += [f"{len(processes)} processes, sites {found}"]
    return wrong


def run_victims(root, result):
    for name, options, arguments, count, blocks in PROGRAMS:
        what = " ".join([name, *options])
        wrong = victim(root, name, options, arguments, count, blocks)
        if wrong:
            result.failed[what] = wrong
        else:
            result.passed.append(what)


def options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="JDK", type=int, action="append", help="this JDK")
    parser.add_argument("--runs", metavar="NAME", action="append",
                        help="this collector or compiler, or `programs`: all but the matrix's")
    return parser.parse_args()


def prepared(wanted):
    """The compiler, the recorder's folder, and the roots."""
    for tool in ("javac", "jar"):
        if not shutil.which(tool):
            raise toolchain.NoToolchain(f"{tool} is missing: apt-get install openjdk-17-jdk")
    in_own_namespace()
    commands, _ = toolchain.compilers()
    roots = [(cell, toolchain.root(*cell)) for cell in TABLE
             if not wanted.only or cell.jdk in wanted.only]
    register(toolchain.emulator())
    for _, root in roots:
        # Programs need /dev/null, which a namespace cannot make.
        toolchain.run(["mount", "--rbind", "/dev", root / "dev"], "/dev cannot be mounted")
    return commands, build.build(), roots


def main():
    wanted = options()
    try:
        commands, release, roots = prepared(wanted)
    except toolchain.NoToolchain as e:
        print(f"SKIPPED: aarch64: {e}", file=sys.stderr)
        sys.exit(2)
    runs = wanted.runs or [*RUNS, "programs"]
    results = []
    with tempfile.TemporaryDirectory(prefix="hackleak-aarch64-") as folder, \
            tempfile.TemporaryDirectory(prefix="hackleak-aarch64-") as made:
        built = program.build(Path(folder), release, jars(Path(made)), SOURCES,
                              commands / f"{toolchain.TRIPLE}-gcc")
        victims(built, commands / f"{toolchain.TRIPLE}-g++")
        for cell, root in roots:
            root = program.Root(cell, root, built)
            result = program.run_in(root, [name for name in runs if name != "programs"])
            if "programs" in runs:
                run_victims(root, result)
            results.append(result)
            print(result.line(), flush=True)
    wrong = sum(len(result.failed) for result in results)
    right = sum(len(result.passed) for result in results)
    print(f"{right} of {right + wrong} runs as expected")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
