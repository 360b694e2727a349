package dev.hackleak.spark;

import dev.hackleak.HackLeak;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Puts the recorder and its options into the environment of the executors, before any starts. */
final class ExecutorEnvironment {
  static final String PRELOAD = "LD_PRELOAD";
  static final String OPTIONS = "HACKLEAK_OPTIONS";
  private static final String PREFIX = "spark.executorEnv.";

  private final Object spark;
  private final Conf conf;

  /**
   * @param spark the SparkContext
   */
  ExecutorEnvironment(Object spark, Conf conf) {
    this.spark = spark;
    this.conf = conf;
  }

  void prepare() {
    Map<String, String> variables = variables();
    if (!variables.containsKey(PRELOAD)) {
      Say.line(
          "executors are not recorded: set "
              + Setting.LIBRARY.key()
              + " to the path of libhackleak.so, which is the same on each host");
      return;
    }
    // YARN and Kubernetes read the settings; standalone clusters a copy that was made before.
    variables.forEach((name, value) -> conf.set(PREFIX + name, value));
    try {
      putAll(variables);
    } catch (ReflectiveOperationException | RuntimeException e) {
      Say.line(
          "this version of Spark hides the environment of its executors: pass --conf "
              + PREFIX
              + PRELOAD
              + "="
              + variables.get(PRELOAD)
              + " to spark-submit");
    }
  }

  /** What is to be set; nothing of the recorder's if nobody says where it is. */
  Map<String, String> variables() {
    Map<String, String> variables = new LinkedHashMap<>();
    String given = conf.get(PREFIX + PRELOAD, "");
    if (given.contains("libhackleak.so")) {
      variables.put(PRELOAD, given);
    } else {
      String library = Setting.LIBRARY.of(conf);
      if (library.isEmpty()) {
        library = HackLeak.library().map(Path::toString).orElse("");
      }
      if (!library.isEmpty()) {
        variables.put(PRELOAD, given.isEmpty() ? library : library + ":" + given);
      }
    }
    String options = Setting.OPTIONS.of(conf);
    if (options.isEmpty() && conf.get(PREFIX + OPTIONS, "").isEmpty()) {
      String own = System.getenv(OPTIONS);
      options = own == null ? "" : own;
    }
    if (!options.isEmpty()) {
      variables.put(OPTIONS, options);
    }
    return variables;
  }

  /** {@code SparkContext.executorEnvs} is Spark's own, and a map of Scala's. */
  private void putAll(Map<String, String> variables) throws ReflectiveOperationException {
    Object environment = spark.getClass().getMethod("executorEnvs").invoke(spark);
    Method put = environment.getClass().getMethod("put", Object.class, Object.class);
    for (Map.Entry<String, String> variable : variables.entrySet()) {
      put.invoke(environment, variable.getKey(), variable.getValue());
    }
  }
}
