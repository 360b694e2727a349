#!/usr/bin/env python3
"""Real streaming queries with their state in RocksDB: a planted leak is told by query, exactly.

    integration-tests/spark/streams.py target/release        # PySpark 3.5 and 4.0
    integration-tests/spark/streams.py target/release 4.0.1
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import hosts
import run
from run import EACH, HERE, check

BATCHES = 3


def by_query(report):
    """What the planted functions have in leaked and held sites, by query and batch."""
    found = {}
    for site in report["sites"] + report["held"]:
        if site["stack"] and site["stack"][0].startswith(("leak_new", "leak_malloc")):
            for task in site["tasks"]:
                sums = found.setdefault((task.get("query"), task.get("batch")), [0, 0])
                sums[0] += task["bytes"]
                sums[1] += task["blocks"]
    return found


def judge(home, name, report, ended, folder, twin, store):
    unnamed = re.search(r"^unnamed (\S+)$", ended.stdout, re.M)
    check(f"{name}: the queries have run", unnamed, ended.stdout + ended.stderr)
    if not unnamed:
        return
    leaking = ["my counts", unnamed.group(1)] if twin == "leak" else []
    found = by_query(report)
    due = {(query, str(batch)): EACH for query in leaking for batch in range(BATCHES)}
    check(f"{name}: each batch of each query has what it leaked", found == due, found)
    def of(site, word):
        return any(word in frame for frame in site["stack"])

    others = [site for site in report["sites"] if not of(site, "leak.LeakUdf")]
    check(f"{name}: nothing else leaks", not others, json.dumps(others, indent=1))
    # Spark never closes some of what a store of RocksDB needs.
    is_known = "known leak of spark-sql, apache/spark#" in ended.stderr
    check(f"{name}: what Spark loses is known", is_known == (store == "RocksDB"), ended.stderr)
    queries = {query["query"]: query for query in report["queries"]}
    check(f"{name}: it is listed by query", set(leaking) <= set(queries), list(queries))
    for query in leaking:
        check(f"{name}: it is said by query", f"\nquery {query}: " in ended.stderr, ended.stderr)
    images = sorted((folder / "out/run-1").glob("*.hackleak"))
    for query in ["my counts", "clean"]:
        found = hosts.sums(hosts.reported(home, images, "--scope", f"query {query}"))
        due = [BATCHES * EACH[0], BATCHES * EACH[1]] if query in leaking else [0, 0]
        check(f"{name}: --scope 'query {query}'", found == due, f"{found}, not {due}")


def attempt(home, version, master, twin, store, last):
    python, spark = run.installed(version)
    name = f"{version} {master} stream {twin} {store}"
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        library, jar = run.built(spark, folder)
        environment = dict(
            os.environ, SPARK_HOME=str(spark), SPARK_LOCAL_IP="127.0.0.1",
            JAVA_HOME=str(run.java_home()), PYSPARK_PYTHON=str(python),
            PYSPARK_DRIVER_PYTHON=str(python))
        command = [
            home / "hackleak", "spark-submit", "--out", folder / "out",
            "--master", master,
            "--jars", jar,
            "--conf", "spark.ui.enabled=false",
            "--conf", f"spark.driver.extraJavaOptions=-Dleak.library={library}",
            "--conf", f"spark.executor.extraJavaOptions=-Dleak.library={library}",
            HERE / "stream.py", twin, store,
        ]
        ended = subprocess.run(
            command, env=environment, cwd=folder, capture_output=True, text=True)
        seen = ended.stdout + ended.stderr
        reports = list(folder.glob("out/run-1/spark-*.json"))
        check(f"{name}: one report", len(reports) == 1, f"{reports}\n{seen}")
        if len(reports) != 1:
            return True
        report = json.loads(reports[0].read_text())
        if not last and any("missing" in one for one in report["executors"]):
            return False
        code = 23 if twin == "leak" else 0
        check(f"{name}: exit code {code}", ended.returncode == code, f"{ended.returncode}\n{seen}")
        judge(home, name, report, ended, folder, twin, store)
    return True


def main():
    home = Path(sys.argv[1]).resolve()
    for version in sys.argv[2:] or run.VERSIONS:
        for master in ("local[2]", "local-cluster[2,1,1024]"):
            for twin, store in (("leak", "RocksDB"), ("clean", "RocksDB"), ("clean", "HDFSBacked")):
                any(attempt(home, version, master, twin, store, last) for last in (False, True))
    sys.exit(1 if run.failed else 0)


if __name__ == "__main__":
    main()
