package dev.hackleak.spark;

import java.util.HashMap;
import java.util.Map;
import org.apache.spark.SparkConf;
import scala.Tuple2;

/** The settings of the application. SparkConf itself needs much of Spark to be made. */
interface Conf {
  String get(String key, String otherwise);

  void set(String key, String value);

  /** The settings whose keys begin so, without that beginning. */
  Map<String, String> startingWith(String prefix);

  static Conf of(SparkConf conf) {
    return new Conf() {
      @Override
      public String get(String key, String otherwise) {
        return conf.get(key, otherwise);
      }

      @Override
      public void set(String key, String value) {
        conf.set(key, value);
      }

      @Override
      public Map<String, String> startingWith(String prefix) {
        Map<String, String> found = new HashMap<>();
        for (Tuple2<String, String> setting : conf.getAllWithPrefix(prefix)) {
          found.put(setting._1(), setting._2());
        }
        return found;
      }
    };
  }
}
