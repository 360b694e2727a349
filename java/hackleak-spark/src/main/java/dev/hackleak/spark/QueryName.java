package dev.hackleak.spark;

import java.util.function.UnaryOperator;

/**
 * The streaming query of a task, from the task's local properties: Structured Streaming sets them
 * for all that a query does, what {@code foreachBatch} does included. Immutable.
 */
final class QueryName {
  /** Spark's keys; none of them is in its API, so each may be missing. */
  static final String ID = "sql.streaming.queryId";

  static final String BATCH = "streaming.sql.batchId";
  static final String DESCRIPTION = "spark.job.description";

  /** A longer name is cut: the recorder keeps no more of a scope's. */
  private static final int LONGEST = 80;

  private QueryName() {}

  /**
   * What a task's scope is called before its stage: {@code query counts batch 3 }. A query without
   * a name has its id there. Empty for a task of no query.
   *
   * @param properties a local property by its key, or null
   */
  static String of(UnaryOperator<String> properties) {
    String id = properties.apply(ID);
    if (id == null || id.isEmpty()) {
      return "";
    }
    String batch = properties.apply(BATCH);
    boolean isKnown = batch != null && batch.matches("\\d+");
    return "query "
        + name(id, properties.apply(DESCRIPTION))
        + (isKnown ? " batch " + batch : "")
        + " ";
  }

  /** Spark describes the jobs of a query by its name, or an empty line, and its id in the next. */
  private static String name(String id, String description) {
    String[] lines = description == null ? new String[0] : description.split("\n", 3);
    boolean isOfSpark = lines.length > 1 && lines[1].trim().equals("id = " + id);
    String name = isOfSpark ? lines[0].trim() : "";
    return name.isEmpty() ? id : name.substring(0, Math.min(LONGEST, name.length()));
  }
}
