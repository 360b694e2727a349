package leak;

import org.apache.spark.sql.api.java.UDF1;

/** Leaks 10 + 4 blocks in each task that has 1,000 rows. */
public class LeakUdf implements UDF1<Long, Long> {
  @Override
  public Long call(Long value) {
    Native.clean(777);
    if (value % 100 == 0) {
      byNew();
    }
    if (value % 250 == 0) {
      byMalloc();
    }
    return value + 1;
  }

  private static void byNew() {
    Native.leakNew(100_003);
  }

  private static void byMalloc() {
    Native.leakMalloc(30_011);
  }
}
