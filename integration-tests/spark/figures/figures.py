#!/usr/bin/env python3
"""What the Spark plugin costs: the clean job in local[2], bare and with it in turn, and many scopes.

    integration-tests/spark/figures/figures.py target/release [ROUNDS]

Figures of a quiet machine, and no test: it prints, and judges nothing but that each run ended well.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import run as jobs  # noqa: E402

VERSION = "4.0.1"
TASKS = 200_000


def cost(command, environment, folder):
    """Seconds of wall clock and of processor time of a command and all its children."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    ended = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)
    if ended.returncode:
        sys.exit(f"{command[0]} ended with {ended.returncode}\n{ended.stdout}{ended.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - began, cpu, ended.stdout


def job(home, rounds):
    python, spark = jobs.installed(VERSION)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        library, jar = jobs.built(spark, folder)
        environment = dict(
            os.environ, SPARK_HOME=str(spark), SPARK_LOCAL_IP="127.0.0.1", JAVA_HOME=str(jobs.java_home()),
            PYSPARK_PYTHON=str(python), PYSPARK_DRIVER_PYTHON=str(python),
        )
        common = [
            "--master", "local[2]", "--jars", jar, "--conf", "spark.ui.enabled=false",
            "--conf", f"spark.driver.extraJavaOptions=-Dleak.library={library}", HERE.parent / "job.py", "clean",
        ]
        seen = {"bare": [], "plugin": []}
        for turn in range(rounds):
            bare = [spark / "bin/spark-submit", *common]
            plugin = [home / "hackleak", "spark-submit", "--out", folder / f"out-{turn}", *common]
            for name, command in (("bare", bare), ("plugin", plugin)):
                seen[name].append(cost(command, environment, folder)[:2])
                print(f"  {name}: {seen[name][-1][0]:.1f} s, processor {seen[name][-1][1]:.1f} s", flush=True)
        for at, what in enumerate(("wall clock", "processor time")):
            bare, plugin = (statistics.median(one[at] for one in seen[name]) for name in ("bare", "plugin"))
            print(f"the clean job, {what}: {bare:.1f} s bare, {plugin:.1f} s with the plugin: {plugin / bare:.2f} x")


def scopes(home):
    java = jobs.java_home() / "bin"
    [core] = (jobs.ROOT / "java/hackleak-core/target").glob("hackleak-core-*T.jar")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        subprocess.run([java / "javac", "-nowarn", "-d", folder, "-cp", core, HERE / "Tasks.java"], check=True,
                       stderr=subprocess.DEVNULL)
        command = [java / "java", "-cp", f"{core}:{folder}", "Tasks", str(TASKS)]
        recorded = dict(os.environ, LD_PRELOAD=str(home / "libhackleak.so"), HACKLEAK_OPTIONS="out=out")
        said = cost(command, recorded, folder)[2].split()
        print(f"a scope, opened and closed, of {TASKS:,} tasks: {float(said[1]):.1f} µs, "
              f"the slowest thousand {float(said[3]):.1f} µs each")
        [image] = (folder / "out").rglob("*.hackleak")
        print(f"the image: {image.stat().st_blocks * 512 / 2**20:.0f} MB on the disk")
        began = time.monotonic()
        report = subprocess.run([home / "hackleak", "report", "--format", "json", image], capture_output=True, text=True)
        print(f"its report: {time.monotonic() - began:.1f} s")
        [process] = json.loads(report.stdout)["processes"]
        full = {name: count for name, count in process["counters"].items() if count}
        print(f"leaked: {process['leaks']['blocks']} blocks of {TASKS // 100}; counters of losses: {full or 'none'}")


def main():
    home = Path(sys.argv[1]).resolve()
    scopes(home)
    job(home, int(sys.argv[2]) if len(sys.argv) > 2 else 5)


if __name__ == "__main__":
    main()
