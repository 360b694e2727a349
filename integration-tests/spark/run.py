#!/usr/bin/env python3
"""Real Spark, from PyPI: a job that leaks, and its clean twin, in local[2], local-cluster and standalone mode.

    integration-tests/spark/run.py target/release            # PySpark 3.5 and 4.0
    integration-tests/spark/run.py target/release 4.0.1
    integration-tests/spark/run.py target/release --part     # what stands for all of it in `make test`

PySpark and what UDFs of pandas need are some 500 MB: they are installed once, into SPARK_VENVS, and
nothing of them is in the checkout.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
VENVS = Path(os.environ.get("SPARK_VENVS", Path.home() / ".cache/hackleak/spark"))
VERSIONS = ["3.5.7", "4.0.1"]
# For UDFs of pandas.
BESIDES = ["pandas==2.2.3", "pyarrow==17.0.0", "numpy==1.26.4"]
MASTERS = ["local[2]", "local-cluster[2,1,1024]", "standalone"]
TASKS, NEW, MALLOC = 8, (100_003, 10), (30_011, 4)
EACH = [NEW[0] * NEW[1] + MALLOC[0] * MALLOC[1], NEW[1] + MALLOC[1]]
SPECULATION = [part for key, value in (("", "true"), (".interval", "100ms"), (".quantile", "0.5"),
                                       (".multiplier", "1.1"), (".minTaskRuntime", "1s"))
               for part in ("--conf", f"spark.speculation{key}={value}")]

failed = 0


def check(what, holds, seen):
    global failed
    if holds:
        print(f"as expected: {what}", flush=True)
    else:
        failed += 1
        print(f"UNEXPECTED: {what}\n{seen}", flush=True)


def java_home():
    if "JAVA_HOME" in os.environ:
        return Path(os.environ["JAVA_HOME"])
    return Path(shutil.which("javac")).resolve().parent.parent


def installed(version):
    """The python of a virtual environment that has this PySpark, and Spark's home in it."""
    folder = VENVS / version
    python = folder / "bin/python"
    wanted = [f"pyspark=={version}", *BESIDES]
    ready = folder / "ready"
    if not ready.exists() or ready.read_text().split() != wanted:
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "-q", "install", *wanted], check=True)
        ready.write_text(" ".join(wanted))
    home = subprocess.run(
        [python, "-c", "import pyspark, os; print(os.path.dirname(pyspark.__file__))"],
        check=True, capture_output=True, text=True,
    ).stdout.strip()
    return python, Path(home)


def built(spark, folder):
    """The library and the jar that the jobs use."""
    java = java_home()
    include = java / "include"
    library = folder / "libleakjni.so"
    subprocess.run(
        ["g++", "-shared", "-fPIC", "-O1", "-g", f"-I{include}", f"-I{include}/linux", "-o", library,
         HERE / "leakjni.cpp"],
        check=True,
    )
    classes = folder / "classes"
    classes.mkdir()
    sources = [str(source) for source in HERE.glob("*.java")]
    subprocess.run(
        [java / "bin/javac", "--release", "8", "-Xlint:-options", "-d", classes, "-cp",
         f"{spark}/jars/*", *sources],
        check=True,
    )
    jar = folder / "leak.jar"
    subprocess.run([java / "bin/jar", "cf", jar, "-C", classes, "."], check=True)
    return library, jar


def amounts(report, function):
    """Bytes and blocks of a function, leaked and held: a stale word may still hold a block."""
    sums = [[0, 0], [0, 0]]
    for into, sites in zip(sums, (report["sites"], report["held"])):
        for site in sites:
            if site["stack"] and site["stack"][0].startswith(function):
                into[0] += site["bytes"]
                into[1] += site["blocks"]
    return sums


def judge_leak(name, report, ended):
    for function, (bytes_, blocks) in (("leak_new", NEW), ("leak_malloc", MALLOC)):
        leaked, held = amounts(report, function)
        planted = [TASKS * bytes_ * blocks, TASKS * blocks]
        both = [leaked[0] + held[0], leaked[1] + held[1]]
        check(f"{name}: {function} is all there", both == planted, f"{both}, not {planted}")
        check(f"{name}: most of {function} is lost", leaked[1] > blocks * TASKS / 2, f"{leaked}, {held}")
    udf = [site for site in report["sites"] if any("leak.LeakUdf" in frame for frame in site["stack"])]
    check(f"{name}: nothing else leaks", len(udf) == len(report["sites"]), json.dumps(report["sites"], indent=1))
    ofs = [stage for stage in report["stages"]]
    tasks = [task["task"] for stage in ofs for task in stage["tasks"]]
    check(f"{name}: one stage", len(ofs) == 1 and "job.py" in ofs[0]["name"], ofs)
    check(f"{name}: all tasks are named", sorted(tasks) == list(range(TASKS)), tasks)
    check(f"{name}: it is said", "bytes in" in ended.stderr and "stage " in ended.stderr, ended.stderr)


def started(spark, environment, folder, kind, address, *arguments, inside=()):
    """A daemon of a standalone cluster, and its log. `inside` is a command that runs it."""
    log = folder / f"{kind}-{address}.log"
    names = {"master": "master.Master", "worker": "worker.Worker"}
    with log.open("w") as out:
        daemon = subprocess.Popen(
            [*inside, spark / "bin/spark-class", f"org.apache.spark.deploy.{names[kind]}", "--webui-port", "0",
             "--host", address, *arguments],
            env=dict(environment, SPARK_LOCAL_IP=address),
            cwd=folder, stdout=out, stderr=subprocess.STDOUT,
        )
    return daemon, log


def line_of(log, words):
    """The first line with these words, as soon as it is there."""
    for _ in range(600):
        for line in log.read_text().splitlines():
            if words in line:
                return line
        time.sleep(0.1)
    sys.exit(f"UNEXPECTED: no {words} in\n{log.read_text()}")


@contextlib.contextmanager
def cluster(master, spark, environment, folder, host=lambda address: ()):
    """
    What `--master` is given: a standalone cluster of one host runs as long as it is used. With two
    workers they have two addresses: Spark does not try a task again on the host where it is slow.
    """
    if not master.startswith("standalone"):
        yield master
        return
    daemons = []
    try:
        daemon, log = started(spark, environment, folder, "master", "127.0.0.1", "--port", "0")
        daemons.append(daemon)
        url = re.search(r"spark://\S+:[1-9][0-9]*", line_of(log, "Starting Spark master at")).group()
        addresses = ["127.0.0.1", "127.0.0.2"][: 2 if "two workers" in master else 1]
        for address in addresses:
            size = ["--cores", str(2 // len(addresses)), "--memory", "2g"]
            daemon, log = started(
                spark, environment, folder, "worker", address, *size, url, inside=host(address))
            daemons.append(daemon)
            line_of(log, "Successfully registered with master")
        yield url
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
            daemon.wait()


def planted(sites):
    """What the planted functions have in these sites, by a task's number and TID."""
    found = {}
    for site in sites:
        if site["stack"] and site["stack"][0].startswith(("leak_new", "leak_malloc")):
            for task in site["tasks"]:
                sums = found.setdefault((task["task"], task["tid"]), [0, 0])
                sums[0] += task["bytes"]
                sums[1] += task["blocks"]
    return found


def tasks_of(ended):
    """What the job says of its first stage: number, TID and executor of each attempt of a task."""
    said = re.search(r"^tasks (.*)$", ended.stdout, re.M)
    return json.loads(said.group(1)) if said else []


def judge_speculated(name, report, ended):
    """Task 3 was slow, so that Spark has tried it twice, and has killed the first attempt."""
    tasks = tasks_of(ended)
    twice = [executor for task, _, executor in tasks if task == 3]
    both = len(tasks) == TASKS + 1 and len(set(twice)) == 2
    check(f"{name}: task 3 had two attempts", both, tasks)
    found = planted(report["sites"] + report["held"])
    due = {(task, tid): EACH for task, tid, _ in tasks}
    check(f"{name}: each attempt has what it leaked", found == due, found)
    executors = report["executors"]
    judged = [one for one in executors if "missing" not in one]
    check(f"{name}: both executors are judged", len(executors) == len(judged) == 2, executors)


def judge_killed(name, report, ended, twin, hidden):
    """One executor was killed when its tasks had ended; Spark has put another one in its place."""
    said = re.search(r"^killed (\d+)$", ended.stdout, re.M)
    killed = [one for one in report["executors"] if said and one.get("pid") == said.group(1)]
    others = [one for one in report["executors"] if one not in killed]
    is_named = len(killed) == 1 and "killed or lost" in killed[0].get("missing", "")
    check(f"{name}: the killed one is named", is_named, json.dumps(report["executors"], indent=1))
    check(f"{name}: the others are judged, with the one in its place",
          len(others) == 2 and not any("missing" in one for one in others), others)
    if len(killed) != 1:
        return
    one = killed[0]
    is_said = one.get("ended") and one["ended"] in ended.stderr
    check(f"{name}: how it ended is said", is_said, f"{one}\n{ended.stderr}")
    check(f"{name}: it is incomplete", one["verdict"] == "incomplete", one)
    tasks = tasks_of(ended)
    here = {(task, tid) for task, tid, executor in tasks if executor == one["id"]}
    elsewhere = {(task, tid) for task, tid, executor in tasks} - here
    check(f"{name}: both have run tasks", here and elsewhere and len(tasks) == TASKS, tasks)
    each = EACH if twin == "leak" else None
    judged = planted(report["sites"] + report["held"])
    due = {task: each for task in elsewhere} if each else {}
    check(f"{name}: the others' tasks are judged", judged == due, judged)
    if hidden:
        out_of_reach = "live" not in one and "cannot be reached" in one["missing"]
        check(f"{name}: its image is out of reach", out_of_reach, one)
        return
    live = planted(one["live"]["sites"])
    due = {task: each for task in here} if each else {}
    check(f"{name}: what was live is told by task", live == due, live)
    first = [stage for stage in one["live"]["stages"] if stage["stage"] == "0.0"]
    shown = [task for stage in first for task in stage["tasks"]]
    check(f"{name}: these tasks had ended", all(task["ended"] for task in shown), shown)
    if each:
        both = {(task["task"], task["tid"]) for task in shown}
        check(f"{name}: by stage", both >= here and not both & elsewhere, shown)
        of = [site for site in one["live"]["sites"] if site["stack"][0].startswith("leak_")]
        marks = {site["elsewhere"] for site in of}
        check(f"{name}: the others have leaked it", marks == {"leaked"}, of)
        is_said = f"live in executor {one['id']} " in ended.stderr and ", had ended" in ended.stderr
        check(f"{name}: it is said", is_said, ended.stderr)


def run(home, version, master, twin, extra=()):
    """A cluster kills an executor ten seconds after it told it to stop, however busy the machine is: then again."""
    for last in (False, False, True):
        if attempt(home, version, master, twin, extra, last):
            return
        print(f"  again: an executor of {version} {master} {twin} was killed before it was judged", flush=True)


def attempt(home, version, master, twin, extra, last):
    python, spark = installed(version)
    name = f"{version} {master} {twin} {' '.join(extra)}".strip()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        library, jar = built(spark, folder)
        environment = dict(
            os.environ,
            SPARK_HOME=str(spark),
            SPARK_LOCAL_IP="127.0.0.1",
            SPARK_WORKER_DIR=str(folder / "work"),
            JAVA_HOME=str(java_home()),
            PYSPARK_PYTHON=str(python),
            PYSPARK_DRIVER_PYTHON=str(python),
            JOB_IMAGES=str(folder / "out/run-1"),
        )
        with cluster(master, spark, environment, folder) as url:
            command = [
                home / "hackleak", "spark-submit", "--out", folder / "out", "--master", url,
                "--jars", jar,
                "--conf", "spark.ui.enabled=false",
                "--conf", "spark.executor.cores=1",
                # Both executors are there before the first task.
                "--conf", "spark.cores.max=2",
                "--conf", "spark.scheduler.minRegisteredResourcesRatio=1.0",
                "--conf", f"spark.driver.extraJavaOptions=-Dleak.library={library}",
                "--conf", f"spark.executor.extraJavaOptions=-Dleak.library={library}",
                *(SPECULATION if "speculate" in extra else []),
                HERE / "job.py", twin, *extra,
            ]
            ended = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)
        seen = ended.stdout + ended.stderr
        reports = list(folder.glob("out/run-1/spark-*.json"))
        dead = [one for path in reports for one in json.loads(path.read_text())["executors"]
                if "killed" in one.get("missing", "")]
        if not last and len(dead) > ("kill" in extra):
            return False
        code = 5 if "fail" in extra else 23 if twin == "leak" else 24 if "kill" in extra else 0
        check(f"{name}: exit code {code}", ended.returncode == code, f"{ended.returncode}\n{seen}")
        check(f"{name}: Python workers stay untouched", "python recorded False" in ended.stdout, seen)
        check(f"{name}: one report", len(reports) == 1, f"{reports}\n{seen}")
        if len(reports) != 1:
            return True
        report = json.loads(reports[0].read_text())
        if "kill" in extra:
            judge_killed(name, report, ended, twin, "hide" in extra)
            return True
        if "speculate" in extra:
            judge_speculated(name, report, ended)
            return True
        executors = 1 if master.startswith("local[") else 2
        complete = [one for one in report["executors"] if one["recorded"] and "missing" not in one]
        check(f"{name}: each executor is judged", len(complete) == executors, json.dumps(report["executors"], indent=1))
        print("  the checks took", [one["checkMillis"] for one in report["executors"]], "ms", flush=True)
        if twin == "leak":
            judge_leak(name, report, ended)
        else:
            check(f"{name}: clean", report["verdict"] == "clean" and not report["sites"], json.dumps(report, indent=1))
    return True


def part(home):
    """A cluster that leaks, and one JVM that does not, on the newest version."""
    version = VERSIONS[-1]
    try:
        installed(version)
    except subprocess.CalledProcessError:
        print("NOT CHECKED: Spark, because PySpark cannot be installed")
        return
    run(home, version, "local-cluster[2,1,1024]", "leak")
    run(home, version, "local[2]", "clean")


def main():
    home = Path(sys.argv[1]).resolve()
    if sys.argv[2:] == ["--part"]:
        part(home)
        sys.exit(1 if failed else 0)
    for version in sys.argv[2:] or VERSIONS:
        for master in MASTERS:
            run(home, version, master, "leak")
            run(home, version, master, "clean")
        for twin, extra in (("leak", ["kill"]), ("clean", ["kill"]), ("leak", ["kill", "hide"])):
            run(home, version, "local-cluster[2,1,1024]", twin, extra)
        run(home, version, "standalone of two workers", "leak", ["speculate"])
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
