package dev.hackleak.build;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Another JVM with the class path of the tests. */
final class OtherJvm {
  private OtherJvm() {}

  /** One that runs a main class; its streams are merged. */
  static ProcessBuilder of(Class<?> main, String... arguments) {
    Path java = Paths.get(System.getProperty("java.home"), "bin", "java");
    List<String> command = new ArrayList<>();
    command.add(java.toString());
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(main.getName());
    Collections.addAll(command, arguments);
    return new ProcessBuilder(command).redirectErrorStream(true);
  }

  /** One that runs {@link Leaky} or a like class as the plugins have test JVMs run. */
  static void record(NativeFiles files, Path out, Class<?> main) throws Exception {
    ProcessBuilder builder = of(main);
    TestJvm jvm = new TestJvm(files, out);
    builder.environment().put(TestJvm.PRELOAD, jvm.preload(null));
    builder.environment().put(TestJvm.OPTIONS, jvm.optionsText());
    Process process = builder.start();
    String output = text(process.getInputStream());
    if (process.waitFor() != 0) {
      throw new AssertionError(output);
    }
  }

  static String text(InputStream in) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (int next = in.read(); next >= 0; next = in.read()) {
      all.write(next);
    }
    return new String(all.toByteArray(), StandardCharsets.UTF_8);
  }
}
