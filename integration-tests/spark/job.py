"""A job with a Java UDF that leaks or not, Python workers, a shuffle and files."""

import os
import shutil
import sys
import tempfile

from pyspark.sql import SparkSession, functions as F
from pyspark.sql.types import LongType

spark = SparkSession.builder.appName("hackleak-" + sys.argv[1]).getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
udf = "leak.LeakUdf" if sys.argv[1] == "leak" else "leak.CleanUdf"
spark.udf.registerJavaFunction("native", udf, LongType())
# 8 tasks of 1,000 rows.
df = spark.range(0, 8000, 1, 8)
print("native", df.selectExpr("sum(native(id))").collect())


@F.udf("long")
def plus(x):
    return x + 1


print("python", df.select(F.sum(plus(F.col("id")))).collect())
# Python workers stay untouched.
mapped = df.rdd.mapPartitions(lambda rows: [any("hackleak_image" in line or ".hackleak" in line for line in open("/proc/self/maps"))])
print("python recorded", any(mapped.collect()))
folder = tempfile.mkdtemp()
try:
    df.repartition(4).write.mode("overwrite").parquet(folder + "/parquet")
    print("parquet", spark.read.parquet(folder + "/parquet").count())
    grouped = df.join(df.withColumnRenamed("id", "k"), F.col("id") == F.col("k")).groupBy(F.col("id") % 7)
    print("join", grouped.count().count())
finally:
    shutil.rmtree(folder, ignore_errors=True)
if "fail" in sys.argv:
    raise SystemExit(5)
spark.stop()
