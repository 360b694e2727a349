package leak;

import org.apache.spark.sql.api.java.UDF1;

/** The clean twin of {@link LeakUdf}. */
public class CleanUdf implements UDF1<Long, Long> {
  @Override
  public Long call(Long value) {
    Native.clean(100_003);
    return value + 1;
  }
}
