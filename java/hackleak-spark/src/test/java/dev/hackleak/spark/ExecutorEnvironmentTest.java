package dev.hackleak.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class ExecutorEnvironmentTest {
  private final Given conf = new Given();

  /** As SparkContext has it, for Spark's own code. */
  public static final class Context {
    private final scala.collection.mutable.HashMap<String, String> map =
        new scala.collection.mutable.HashMap<>();

    public scala.collection.mutable.HashMap<String, String> executorEnvs() {
      return map;
    }
  }

  @Test
  void theRecorderGoesFirst() {
    conf.set(Setting.LIBRARY.key(), "/opt/libhackleak.so");
    conf.set(Setting.OPTIONS.key(), "track=new");
    conf.set("spark.executorEnv.LD_PRELOAD", "/opt/other.so");
    Context context = new Context();
    new ExecutorEnvironment(context, conf).prepare();

    String both = "/opt/libhackleak.so:/opt/other.so";
    assertEquals(both, context.executorEnvs().apply("LD_PRELOAD"));
    assertEquals(both, conf.get("spark.executorEnv.LD_PRELOAD", ""));
    assertEquals("track=new", context.executorEnvs().apply("HACKLEAK_OPTIONS"));
  }

  @Test
  void whatIsGivenStays() {
    conf.set(Setting.LIBRARY.key(), "/opt/libhackleak.so");
    conf.set("spark.executorEnv.LD_PRELOAD", "/mine/libhackleak.so");
    Context context = new Context();
    new ExecutorEnvironment(context, conf).prepare();

    assertEquals("/mine/libhackleak.so", context.executorEnvs().apply("LD_PRELOAD"));
  }

  @Test
  void anotherSparkMayHideItsMap() {
    conf.set(Setting.LIBRARY.key(), "/opt/libhackleak.so");
    new ExecutorEnvironment(new Object(), conf).prepare();

    assertEquals("/opt/libhackleak.so", conf.get("spark.executorEnv.LD_PRELOAD", ""));
  }

  @Test
  void aWrongSettingIsNamed() {
    conf.set(Setting.FAIL_ON_LEAKS.key(), "yes");
    String said =
        assertThrows(IllegalArgumentException.class, () -> Setting.validate(conf)).getMessage();
    assertEquals("spark.hackleak.failOnLeaks is true or false, not \"yes\"", said);
    conf.with(Setting.FAIL_ON_LEAKS.key(), "true").set(Setting.WAIT_MILLIS.key(), "-1");
    assertTrue(
        assertThrows(IllegalArgumentException.class, () -> Setting.validate(conf))
            .getMessage()
            .startsWith("spark.hackleak.waitMillis is a number"));
  }
}
