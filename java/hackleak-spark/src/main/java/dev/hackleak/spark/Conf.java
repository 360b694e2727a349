package dev.hackleak.spark;

import org.apache.spark.SparkConf;

/** The settings of the application. SparkConf itself needs much of Spark to be made. */
interface Conf {
  String get(String key, String otherwise);

  void set(String key, String value);

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
    };
  }
}
