"""A job with a Java UDF that leaks or not, Python and pandas UDFs, a shuffle and files in each codec."""

import glob
import json
import os
import shutil
import signal
import sys
import tempfile
import time

from pyspark.sql import SparkSession, functions as F
from pyspark.sql.types import LongType

spark = SparkSession.builder.appName("hackleak-" + sys.argv[1]).getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
udf = "leak.LeakUdf" if sys.argv[1] == "leak" else "leak.CleanUdf"
if "speculate" in sys.argv:
    udf = "leak.SlowUdf"
spark.udf.registerJavaFunction("native", udf, LongType())
# 8 tasks of 1,000 rows.
df = spark.range(0, 8000, 1, 8)
print("native", df.selectExpr("sum(native(id))").collect())


def jvm(_):
    """The process of the executor in whose Python worker this runs."""
    pid = os.getpid()
    while "java" not in os.readlink(f"/proc/{pid}/exe"):
        pid = int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])
    return [pid]


def say_tasks():
    """Which attempts of the first stage's tasks ran where, as Spark knows it."""
    tasks = spark.sparkContext._jsc.sc().statusStore().taskList(0, 0, 100)
    of = [tasks.apply(at) for at in range(tasks.length())]
    print("tasks", json.dumps([[one.index(), one.taskId(), one.executorId()] for one in of]))


def kill_one():
    """Kills an executor when all tasks have ended, and waits for the one in its place."""
    context = spark.sparkContext
    inside = context._jsc.sc()
    pid = context.parallelize(range(2), 2).mapPartitions(jvm).collect()[0]
    size = inside.getExecutorMemoryStatus().size()
    os.kill(pid, signal.SIGKILL)
    print("killed", pid)
    if "hide" in sys.argv:
        [image] = glob.glob(f"{os.environ['JOB_IMAGES']}/*{pid}*.hackleak")
        os.rename(image, image + ".hidden")
    for there in (size - 1, size):
        for _ in range(600):
            if inside.getExecutorMemoryStatus().size() == there:
                break
            time.sleep(0.1)
        else:
            raise SystemExit(f"there are no {there} executors")


if "kill" in sys.argv or "speculate" in sys.argv:
    say_tasks()
if "kill" in sys.argv:
    kill_one()


@F.udf("long")
def plus(x):
    return x + 1


@F.pandas_udf("long")
def plus_two(x):
    return x + 2


print("python", df.select(F.sum(plus(F.col("id")))).collect())
print("pandas", df.select(F.sum(plus_two(F.col("id")))).collect())
# Python workers stay untouched.
mapped = df.rdd.mapPartitions(lambda rows: [any("hackleak_image" in line or ".hackleak" in line for line in open("/proc/self/maps"))])
print("python recorded", any(mapped.collect()))
folder = tempfile.mkdtemp()
try:
    for codec in ("zstd", "snappy", "lz4"):
        df.repartition(4).write.option("compression", codec).parquet(f"{folder}/{codec}")
        print(codec, spark.read.parquet(f"{folder}/{codec}").agg(F.sum("id")).collect())
    grouped = df.join(df.withColumnRenamed("id", "k"), F.col("id") == F.col("k")).groupBy(F.col("id") % 7)
    print("join", grouped.count().count())
finally:
    shutil.rmtree(folder, ignore_errors=True)
if "fail" in sys.argv:
    raise SystemExit(5)
spark.stop()
