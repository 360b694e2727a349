#!/usr/bin/env python3
"""Real Spark on several hosts: each of two workers has a name, and images that only it sees.

    integration-tests/spark/hosts.py target/release          # PySpark 3.5 and 4.0
    integration-tests/spark/hosts.py target/release 4.0.1

The hosts are namespaces of the kernel, which needs root or `unshare --map-root-user`.
"""

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import run
from run import EACH, HERE, MALLOC, NEW, TASKS, check, judge_killed, judge_leak, planted

MASTER = "standalone of two workers"
# The folder of images is empty there, and of its own; so is the table of hosts.
PRIVATE = """
set -e
mount --make-rprivate /
mount -t tmpfs none "$1"
mkdir "$1/run-1"
hostname "$2"
echo "127.0.0.1 localhost $2" >"$1/hosts"
mount --bind "$1/hosts" /etc/hosts
shift 2
exec "$@"
"""


def is_possible():
    trial = ["unshare", "-mu", "sh", "-c", "hostname any"]
    return subprocess.run(trial, capture_output=True).returncode == 0


def host(out):
    """What runs a worker as on a host of its own."""
    return lambda address: [
        "unshare", "-mu", "sh", "-c", PRIVATE, "sh", out, "host-" + address.rpartition(".")[2]]


def executor_of(image):
    return re.fullmatch(r"spark-(.+)-executor-(\d+)\.hackleak\.gz", image.name).group(2)


def kill_when_sent(folder, stop):
    """Kills each executor as soon as its image has come, before it can make a report."""
    killed = set()
    while not stop.is_set():
        for image in folder.glob("spark-*.hackleak.gz"):
            executor = executor_of(image)
            if executor in killed:
                continue
            killed.add(executor)
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    command = (process / "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                ours = str(folder.parent.parent).encode() in b"".join(command)
                at = command.index(b"--executor-id") if b"--executor-id" in command else None
                if ours and at is not None and command[at + 1].decode() == executor:
                    os.kill(int(process.name), signal.SIGKILL)
        time.sleep(0.005)


def reported(home, inputs, *arguments):
    """What `hackleak report` says of the images in these."""
    ended = subprocess.run(
        [home / "hackleak", "report", *inputs, "--format", "json", *arguments],
        capture_output=True, text=True)
    if not ended.stdout:
        sys.exit(f"UNEXPECTED: no report on {inputs}\n{ended.stderr}")
    return json.loads(ended.stdout)


def sums(report):
    """Bytes and blocks of the planted functions in all processes of a report."""
    found = [0, 0]
    for process in report["processes"]:
        for site in process["leaks"]["sites"] + process.get("held", {}).get("sites", []):
            first = str(site["frames"][:1])
            if "leak_new" in first or "leak_malloc" in first:
                found[0] += site["bytes"]
                found[1] += site["blocks"]
    return found


def of_executors(folder):
    """What executors of a standalone cluster have said on stderr: their workers keep it."""
    files = sorted(folder.glob("work/*/*/stderr"))
    return "".join(f"\n{file}:\n{file.read_text(errors='replace')}" for file in files)


def judge_images(home, name, images, twin, application):
    """The packed images that came are whole, and `hackleak report` reads them."""
    sizes = [(image.stat().st_size, sum(map(len, pieces(image)))) for image in images]
    print("  images, packed and unpacked:", sizes, "bytes", flush=True)
    check(f"{name}: they are packed", all(packed * 10 < whole for packed, whole in sizes), sizes)
    found = sums(reported(home, images))
    due = [TASKS * EACH[0], TASKS * EACH[1]] if twin == "leak" else [0, 0]
    check(f"{name}: `hackleak report` of the images has what was planted", found == due, found)
    if application["stages"]:
        task = application["stages"][0]["tasks"][0]
        scope = f"stage {task['stage']} task {task['task']} TID {task['tid']}"
        found = sums(reported(home, images, "--scope", scope))
        check(f"{name}: and --scope has what one task leaked", found == EACH, f"{scope}: {found}")


def pieces(image):
    with gzip.open(image) as content:
        while piece := content.read(1 << 20):
            yield piece


def attempt(home, version, twin, extra=(), elsewhere=False, last=False, master=MASTER):
    python, spark = run.installed(version)
    place = "two hosts" if master == MASTER else master
    name = " ".join([version, place, twin, *extra, *(["shared folder"] if elsewhere else [])])
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        library, jar = run.built(spark, folder)
        out, shared = folder / "out", folder / "shared"
        out.mkdir()
        environment = dict(
            os.environ, SPARK_HOME=str(spark), SPARK_LOCAL_IP="127.0.0.1",
            SPARK_WORKER_DIR=str(folder / "work"), JAVA_HOME=str(run.java_home()),
            PYSPARK_PYTHON=str(python), PYSPARK_DRIVER_PYTHON=str(python))
        stop = threading.Event()
        with run.cluster(master, spark, environment, folder, host(out)) as url:
            if "sent" in extra:
                watched = (out / "run-1", stop)
                threading.Thread(target=kill_when_sent, args=watched, daemon=True).start()
            command = [
                home / "hackleak", "spark-submit", "--out", out, "--master", url,
                "--jars", jar,
                "--conf", "spark.ui.enabled=false",
                "--conf", "spark.executor.cores=1",
                "--conf", "spark.cores.max=2",
                "--conf", "spark.scheduler.minRegisteredResourcesRatio=1.0",
                "--conf", f"spark.driver.extraJavaOptions=-Dleak.library={library}",
                "--conf", f"spark.executor.extraJavaOptions=-Dleak.library={library}",
                *(["--conf", f"spark.hackleak.out={shared.as_uri()}"] if elsewhere else []),
                HERE / "job.py", twin, *extra,
            ]
            ended = subprocess.run(
                command, env=environment, cwd=folder, capture_output=True, text=True)
            stop.set()
        seen = ended.stdout + ended.stderr
        where = shared if elsewhere else out / "run-1"
        reports = list(where.glob("spark-*.json"))
        check(f"{name}: one report", len(reports) == 1, f"{reports}\n{seen}")
        if len(reports) != 1:
            return True
        report = json.loads(reports[0].read_text())
        executors = report["executors"]
        silent = [one for one in executors if "missing" in one]
        if not last and len(silent) > ("kill" in extra):
            return False
        code = 23 if twin == "leak" else 24 if "kill" in extra else 0
        check(f"{name}: exit code {code}", ended.returncode == code, f"{ended.returncode}\n{seen}")
        application = report["application"]
        check(f"{name}: the application is named", application in reports[0].name, application)
        if master == MASTER:
            hosts = {one["host"] for one in executors}
            check(f"{name}: two hosts", hosts == {"host-1", "host-2"}, executors)
            unreachable = not any(Path(one["image"]).exists() for one in executors)
            check(f"{name}: the driver cannot read their images", unreachable, executors)
        said = ended.stderr + of_executors(folder)
        check(f"{name}: all images came", "stays on its host" not in said, said)
        if master == MASTER:
            # Without it nobody would know what the check above has read.
            wrote = len(list(folder.glob("work/*/*/stderr")))
            check(f"{name}: the workers keep what executors say", wrote >= len(executors), wrote)
        images = sorted(where.glob("*.hackleak.gz"))
        copies = sorted(Path(one.get("copy", "").removeprefix("file:")) for one in executors)
        check(f"{name}: the report names them", copies == images, f"{copies}, {images}")
        left = [file for file in where.iterdir() if ".part" in file.name]
        check(f"{name}: nothing is left of their way", not left, left)
        if "kill" in extra:
            judge_killed(name, report, ended, twin, False)
        elif twin == "leak":
            judge_leak(name, report, ended)
        else:
            clean = report["verdict"] == "clean" and not report["sites"]
            check(f"{name}: clean", clean, json.dumps(report, indent=1))
        if "sent" in extra:
            notes = [note for one in executors for note in one["notes"]]
            from_image = any("normal exit" in note for note in notes)
            check(f"{name}: a report was made from an image", from_image, notes)
        check(f"{name}: an image of each executor came", len(images) == len(executors), images)
        judge_images(home, name, images, twin, report)
    return True


def main():
    home = Path(sys.argv[1]).resolve()
    if not is_possible():
        # The last line of `make test-spark-more`.
        print("NOT CHECKED: Spark on several hosts, because namespaces need root")
        return
    for version in sys.argv[2:] or run.VERSIONS:
        attempt(home, version, "leak", elsewhere=True, last=True, master="local[2]")
        for twin, extra, elsewhere in (
            ("leak", [], False),
            ("clean", [], False),
            ("leak", ["sent"], False),
            ("leak", ["kill"], False),
            ("clean", ["kill"], True),
            ("leak", [], True),
        ):
            # A cluster kills an executor ten seconds after it told it to stop: then again.
            lasts = (False, False, True)
            any(attempt(home, version, twin, extra, elsewhere, last) for last in lasts)
    sys.exit(1 if run.failed else 0)


if __name__ == "__main__":
    main()
