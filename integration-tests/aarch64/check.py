#!/usr/bin/env python3
"""The recorder for aarch64 under qemu: exact numbers, and stacks held against libgcc's.

    integration-tests/aarch64/check.py         # builds what is missing; 30 minutes
    integration-tests/aarch64/check.py forks   # only what has this in its name
    integration-tests/aarch64/check.py jvm     # only JVMs: jvm.py

It prints a line for each program. It ends with 0, with 1 where something deviates, and with 2 where
it cannot run, and says why.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import build
import toolchain

VICTIMS = build.ROOT / "integration-tests" / "victims" / "cpp"
# Seconds: far above what a run takes, so that one that hangs is seen.
LIMIT = 300
SIGNED = ["-mbranch-protection=standard", "-march=armv8.3-a"]
# A program and its arguments, and for each process what leaks of more than 10,000 bytes, by size.
# Sums are those of `integration-tests/tests` on x86-64.
EXACT = [
    ("malloc_family clean", [{}]),
    ("pairs 4 20000 3", [{3_000_009: 3}]),
    ("pairs 4 20000 0", [{}]),
    ("forks prefork", [{101_021: 1, 102_023: 1}, *[
        {(i + 1) * (20_011 + 100 * i): i + 1} for i in range(5)]]),
    ("forks clean", [{}] * 6),
    ("forks frees", [{101_021: 1, 102_023: 1}, {50_021: 1}]),
    ("forks deep", [{101_021: 1, 102_023: 1}, {70_002: 1}, {70_003: 1}, {70_004: 1}]),
    ("forks threads", [{101_021: 1, 102_023: 1}, *[{120_027: 3}] * 8]),
    ("forks handler", [{101_021: 1, 102_023: 1}, {90_001: 1}]),
    ("forks SYS_fork", [{101_021: 1, 102_023: 1}, {63_029: 1}]),
]
# Programs whose every stack is compared; with signed return addresses, too.
WALKS = ["stacks_walk 1 3000 2", "stacks_threads 3 2000", "stacks_signals 4 2000 2 same",
         "stacks_signals 5 2000 2 alternate", "stacks_coroutines 6 2000 2",
         "stacks_interrupted 7 2000", "exception_pool alone"]
# How a library has its thread-local variables, and the first size of the blocks that they hold.
LOCALS = [("initial_exec", "-ftls-model=initial-exec", 5_100),
          ("dynamic", "-mtls-dialect=trad", 5_200), ("described", "-mtls-dialect=desc", 5_300)]
LOCALS_NAME = "thread_locals"
# Ways to end, and what each process loses and holds there, by the size of a block. An `exec` of a
# program for aarch64 fails under qemu, and the process goes on. Where another thread stands, the
# kernel says of qemu and not of the program, so its stack holds nothing.
OF_MAIN = {5_021, 5_101}
ENDS = [("_exit", [({5_003, *OF_MAIN}, {5_011})]),
        ("small quick_exit", [({5_003, *OF_MAIN}, {5_011})]),
        ("fails execl", [({5_003, 5_033, *OF_MAIN}, {5_011})]),
        ("fails execve", [({5_003, 5_033, *OF_MAIN}, {5_011})]),
        ("inherited", [({5_003, *OF_MAIN}, {5_011}), ({5_301, 5_303}, {5_201, 5_401}),
                       ({5_301, 5_303}, {5_203, 5_401})])]
ENDS_NAME = "leaving"


class Emulated:
    """Programs for aarch64, compiled into a folder and run there."""

    def __init__(self, folder):
        self.folder = folder
        self.commands, self.system = toolchain.compilers()
        self.qemu = toolchain.emulator()

    def compiled(self, name, flags=()):
        output = self.folder / f"{name}{len(flags)}"
        if not output.exists():
            compiler = self.commands / f"{toolchain.TRIPLE}-g++"
            subprocess.run([compiler, "-std=c++17", "-g", "-fPIC", "-O2", *flags, "-o", output,
                            VICTIMS / f"{name}.cpp", "-pthread", "-ldl"], check=True)
        return output

    def library(self, source, name, flags):
        output = self.folder / f"{name}.so"
        compiler = self.commands / f"{toolchain.TRIPLE}-g++"
        subprocess.run([compiler, "-std=c++17", "-g", "-fPIC", "-O2", "-shared", *flags,
                        "-o", output, VICTIMS / f"{source}.cpp"], check=True)
        return output

    def run(self, recorder, program, *arguments, **environment):
        command = [self.qemu, "-L", self.system]
        if recorder:
            command += ["-E", f"LD_PRELOAD={recorder}"]
        return subprocess.run(
            [*command, program, *arguments], capture_output=True, text=True, timeout=LIMIT,
            errors="replace", stdin=subprocess.DEVNULL, cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", **environment})


def large(process):
    """What leaks, by size; less what the C library keeps for threads."""
    sites = process["leaks"]["sites"] if process["leaks"] else []
    return {site["bytes"]: site["blocks"] for site in sites if site["bytes"] > 10_000}


def recorded(emulated, built, name, *arguments, options=""):
    """The processes of a report, and why there is none."""
    with tempfile.TemporaryDirectory(dir=emulated.folder) as out:
        ended = emulated.run(built / "libhackleak.so", emulated.compiled(name), *arguments,
                             HACKLEAK_OPTIONS=f"out={out},follow=all{options}")
        if ended.returncode != 0:
            return [], f"ended with {ended.returncode}: {ended.stderr.strip()}"
        told = emulated.run(None, built / "hackleak", "report", "--format", "json", out)
    try:
        return json.loads(told.stdout)["processes"], None
    except ValueError:
        return [], f"the report ended with {told.returncode}: {told.stderr.strip()}"


def exact(emulated, built, line, expected):
    name, *arguments = line.split()
    processes, why = recorded(emulated, built, name, *arguments)
    if why:
        return why
    found = sorted((large(process) for process in processes), key=str)
    if found != sorted(expected, key=str):
        return f"leaks are {found}"
    incomplete = [note for process in processes for note in process["notes"]
                  if "incomplete" in str(note)]
    return f"incomplete: {incomplete}" if incomplete else None


def thread_locals(emulated, built):
    """What variables of all kinds hold in threads that wait, spin, and are younger than a library
    is held; and lost is what they have let go of. Sizes are those of `tests/thread_locals.rs`."""
    libraries = [emulated.library("thread_locals_library", name, [flag])
                 for name, flag, _ in LOCALS]
    processes, why = recorded(emulated, built, LOCALS_NAME, *libraries,
                              options=",track=new+malloc,held=note")
    if why:
        return why
    firsts = [5_000, *(first for _, _, first in LOCALS)]
    held = {site["bytes"]: site["holder"]["root"] for site in processes[0]["held"]["sites"]}
    lost = {site["bytes"]: site["verdict"] for site in processes[0]["leaks"]["sites"]}
    due = [first + more for first in firsts for more in (0, 1, 3)]
    if lost != {first + 2: "lost" for first in firsts}:
        return f"leaks are {lost}"
    wrong = {size: held.get(size) for size in due if held.get(size) != "threadLocal"}
    return f"held by {wrong}" if wrong else None


def ends(emulated, built):
    """Tests of this are `tests/leaving.rs`."""
    def sizes(sites):
        return {size for site in sites if (size := site["bytes"] // site["blocks"]) > 5_000}

    for how, expected in ENDS:
        processes, why = recorded(emulated, built, ENDS_NAME, *how.split(),
                                  options=",track=new+malloc,held=note")
        found = [(sizes(process["leaks"]["sites"]), sizes(process["held"]["sites"]))
                 for process in processes]
        if why or sorted(found, key=str) != sorted(expected, key=str):
            return f"{how}: {why or found}"
    return None


def walks(emulated, verify, line, flags):
    name, *arguments = line.split()
    with tempfile.TemporaryDirectory(dir=emulated.folder) as out:
        ended = emulated.run(verify / "libhackleak.so", emulated.compiled(name, flags), *arguments,
                             HACKLEAK_OPTIONS=f"out={out},follow=all")
    found = re.search(r"checked=(\d+) mismatches=(\d+)", ended.stderr)
    if not found or ended.returncode != 0:
        return f"ended with {ended.returncode}: {ended.stderr.strip()}", 0
    checked, wrong = map(int, found.groups())
    return f"{wrong} of {checked} stacks differ" if wrong or not checked else None, checked


def main():
    only = sys.argv[1:]
    wanted = [line for line, _ in EXACT] + [LOCALS_NAME, ENDS_NAME] + WALKS
    wanted = [line for line in wanted if not only or any(word in line for word in only)]
    wrong = 0

    def tell(what, deviation, right="as expected"):
        nonlocal wrong
        wrong += deviation is not None
        print(f"{what}: {deviation or right}", flush=True)

    try:
        with tempfile.TemporaryDirectory(prefix="hackleak-aarch64-") as folder:
            emulated = Emulated(Path(folder))
            built = build.build()
            for line, expected in EXACT:
                if line in wanted:
                    tell(line, exact(emulated, built, line, expected))
            if LOCALS_NAME in wanted:
                tell(LOCALS_NAME, thread_locals(emulated, built))
            if ENDS_NAME in wanted:
                tell(ENDS_NAME, ends(emulated, built))
            verify = build.build(verify=True) if set(WALKS) & set(wanted) else None
            for line in WALKS:
                for flags, how in (([], ""), (SIGNED, ", signed")):
                    if line in wanted:
                        deviation, checked = walks(emulated, verify, line, flags)
                        tell(line + how, deviation, f"{checked} stacks are libgcc's")
    except toolchain.NoToolchain as e:
        print(f"SKIPPED: aarch64: {e}", file=sys.stderr)
        sys.exit(2)
    if not only or "jvm" in only:
        # It goes on in a namespace of its own.
        wrong += check_jvms()
    sys.exit(1 if wrong else 0)


def check_jvms():
    """Whether anything deviates; ends with 2 where JVMs cannot run."""
    done = subprocess.run([sys.executable, "-B", Path(__file__).with_name("jvm.py")])
    if done.returncode == 2:
        sys.exit(2)
    return done.returncode != 0


if __name__ == "__main__":
    main()
