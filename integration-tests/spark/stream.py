"""Streaming queries at once: one with a name and one without that leak or not, and a clean one.

    stream.py leak|clean RocksDB|HDFSBacked
"""

import os
import shutil
import sys
import tempfile

from pyspark.sql import SparkSession, functions as F
from pyspark.sql.types import LongType

BATCHES, ROWS = 3, 1000
STORES = "org.apache.spark.sql.execution.streaming.state."
STORE = f"{STORES}{sys.argv[2]}StateStoreProvider"

spark = (
    SparkSession.builder.appName("hackleak-stream-" + sys.argv[1])
    .config("spark.sql.streaming.stateStore.providerClass", STORE)
    .config("spark.sql.shuffle.partitions", "2")
    # Its thread works between the batches.
    .config("spark.sql.streaming.stateStore.maintenanceInterval", "200ms")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
leaks = "leak.LeakUdf" if sys.argv[1] == "leak" else "leak.CleanUdf"
spark.udf.registerJavaFunction("native", leaks, LongType())
spark.udf.registerJavaFunction("clean", "leak.CleanUdf", LongType())
folder = tempfile.mkdtemp()


def rows():
    """A file for each batch, of 1,000 rows, which one task reads."""
    os.mkdir(folder + "/in")
    for batch in range(BATCHES):
        with open(f"{folder}/in/{batch}.txt", "w") as file:
            file.writelines(f"{row}\n" for row in range(ROWS))


def query(name, function):
    """Counts, in batches of a file each."""
    stream = spark.readStream.option("maxFilesPerTrigger", "1").text(folder + "/in")
    values = stream.select(F.expr(f"{function}(cast(value as long))").alias("value"))
    counted = values.groupBy(F.col("value") % 7).count()
    writer = counted.writeStream.outputMode("complete")
    writer = writer.option("checkpointLocation", f"{folder}/{name or 'none'}")
    writer = writer.queryName(name) if name else writer
    return writer.format("noop").trigger(availableNow=True).start()


try:
    rows()
    queries = [
        query("my counts", "native"),
        query("clean", "clean"),
        query(None, "native"),
    ]
    for one in queries:
        one.awaitTermination()
    print("unnamed", queries[2].id)
finally:
    shutil.rmtree(folder, ignore_errors=True)
spark.stop()
