package leak;

import org.apache.spark.TaskContext;
import org.apache.spark.sql.api.java.UDF1;

/** Leaks as {@link LeakUdf} does. The first attempt of task 3 then waits until another is done. */
public class SlowUdf implements UDF1<Long, Long> {
  private final LeakUdf leaks = new LeakUdf();

  @Override
  public Long call(Long value) {
    Long result = leaks.call(value);
    if (value == 3_999 && TaskContext.get().attemptNumber() == 0) {
      try {
        Thread.sleep(120_000);
      } catch (InterruptedException e) {
        throw new IllegalStateException("Spark has another attempt", e);
      }
    }
    return result;
  }
}
