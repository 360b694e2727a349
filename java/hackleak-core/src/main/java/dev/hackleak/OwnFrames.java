package dev.hackleak;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * The frames of a stack that are neither ours nor the test framework's.
 *
 * <p>The reporter tells which ones these are. The lists here are for stacks of which it did not.
 */
final class OwnFrames {
  private static final String OURS = "dev.hackleak.";

  private static final List<String> FRAMEWORKS =
      Arrays.asList(
          OURS,
          "org.junit.",
          "junit.framework.",
          "org.testng.",
          "org.scalatest.",
          "org.spockframework.",
          "org.apache.maven.",
          "org.gradle.",
          "worker.org.gradle.",
          "sbt.",
          "com.intellij.rt.",
          "com.intellij.junit",
          "org.eclipse.jdt.internal.",
          "java.",
          "jdk.internal.",
          "sun.reflect.",
          "com.sun.proxy.",
          "scala.");

  private OwnFrames() {}

  /** The Java stack of what a report looks at first; empty if there is none. */
  static List<JavaFrame> of(LeakReport report) {
    if (!report.sites().isEmpty()) {
      return report.sites().get(0).javaStack();
    }
    return report.invalidFrees().isEmpty()
        ? Collections.emptyList()
        : java(report.invalidFrees().get(0).freed());
  }

  /** The Java frames up to the last one that is neither the framework's nor the JDK's. */
  static List<JavaFrame> java(List<LeakFrame> frames) {
    List<JavaFrame> java = new ArrayList<>();
    int own = 0;
    for (LeakFrame frame : frames) {
      if (frame.isJava()) {
        java.add((JavaFrame) frame);
        own = isOfFramework(frame.symbol()) ? own : java.size();
      }
    }
    return own == 0 ? java : java.subList(0, own);
  }

  private static boolean isOfFramework(String symbol) {
    return FRAMEWORKS.stream().anyMatch(symbol::startsWith);
  }

  static StackTraceElement element(JavaFrame frame) {
    return new StackTraceElement(
        frame.className(),
        frame.methodName(),
        frame.file().orElse(null),
        frame.isNativeMethod() ? -2 : frame.line().orElse(-1));
  }

  /** A trace without the frames of HackLeak at its top, down to the code that asked. */
  static StackTraceElement[] withoutOurs(StackTraceElement[] trace) {
    int first = 0;
    while (first < trace.length && trace[first].getClassName().startsWith(OURS)) {
      first++;
    }
    return first == trace.length ? trace : Arrays.copyOfRange(trace, first, trace.length);
  }
}
