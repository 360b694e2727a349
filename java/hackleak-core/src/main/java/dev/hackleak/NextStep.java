package dev.hackleak;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** What to do about the leak that a report looks at first, in a line or two. */
final class NextStep {
  /** Kinds of JNI, and what gives them back. */
  private static final String[][] RELEASES = {
    {"global reference", "DeleteGlobalRef"},
    {"weak global reference", "DeleteWeakGlobalRef"},
    {"array elements", "Release<Type>ArrayElements"},
    {"critical array", "ReleasePrimitiveArrayCritical"},
    {"string characters", "ReleaseStringChars"},
    {"UTF string characters", "ReleaseStringUTFChars"},
    {"critical string", "ReleaseStringCritical"},
    {"monitor", "MonitorExit"},
  };

  /** Methods by which objects give back what they have. */
  private static final List<String> CLOSING =
      Arrays.asList("close", "release", "free", "dispose", "destroy", "delete", "shutdown");

  private NextStep() {}

  static List<String> of(LeakReport report, LeakCheck check) {
    // What grows with tests has words of its own.
    if (report.sites().isEmpty() || check.isOfManyTests()) {
      return Collections.emptyList();
    }
    LeakSite site = report.sites().get(0);
    List<String> lines = new ArrayList<>();
    lines.add("next: " + step(site));
    if (check.isOfOneRun() && site.blocks() == 1) {
      rounds()
          .ifPresent(
              rounds -> lines.add("  or, if a library makes it once and keeps it: " + rounds));
    }
    suppression(site)
        .ifPresent(line -> lines.add("  or, in a file for `suppressions`: leak:" + line));
    return lines;
  }

  /** How the test that runs now is told to run several times, if its framework can do that. */
  private static Optional<String> rounds() {
    for (StackTraceElement frame : Thread.currentThread().getStackTrace()) {
      if (frame.getClassName().startsWith("dev.hackleak.junit4.")) {
        return Optional.of("repeat(1, 3) of the NoLeaksRule");
      }
      if (frame.getClassName().startsWith("org.junit.jupiter.engine.")) {
        return Optional.of("@NoLeaks(repeat = 3)");
      }
    }
    return Optional.empty();
  }

  private static String step(LeakSite site) {
    for (String[] release : RELEASES) {
      if (release[0].equals(site.kind())) {
        return "release it with " + release[1];
      }
    }
    if (site.kind().equals("file descriptor")) {
      return "close it" + site.owner().map(frame -> ": " + frame + " opened it").orElse("");
    }
    if (site.kind().equals("mapping")) {
      return "unmap it" + site.owner().map(frame -> ": " + frame + " mapped it").orElse("");
    }
    if (site.kind().equals("thread")) {
      return "end the thread, or shut down the executor that owns it"
          + site.owner().map(frame -> ": " + frame + " started it").orElse("");
    }
    if (site.kind().equals("library handle")) {
      return "close it with dlclose"
          + site.owner().map(frame -> ": " + frame + " opened it").orElse("");
    }
    if (site.kind().equals("attached thread")) {
      return "call DetachCurrentThread before the thread ends"
          + site.owner().map(frame -> ": " + frame + " attached it").orElse("");
    }
    if (site.kind().equals("local frame")) {
      return "call PopLocalFrame on every path"
          + site.owner().map(frame -> ": " + frame + " pushed it").orElse("");
    }
    if (site.kind().equals("local reference")) {
      return "call DeleteLocalRef in the loop, or PushLocalFrame and PopLocalFrame"
          + site.owner().map(frame -> ": " + frame + " made them").orElse("");
    }
    if (site.kind().equals("zlib memory")) {
      return "end() the Deflater or Inflater, or close the stream around it"
          + site.owner().map(frame -> ": " + frame + " made it").orElse("");
    }
    if (site.verdict() == LeakVerdict.GROWING && site.holder().isPresent()) {
      return "take it out of what holds it: " + site.holder().get();
    }
    Optional<JavaFrame> owner = user(site);
    for (JavaFrame made : made(site, owner)) {
      Optional<String> closing = closing(made.className());
      if (closing.isPresent()) {
        return toClose(closing.get(), made, owner);
      }
    }
    return "free it" + owner.map(frame -> ": follow it from " + frame).orElse("");
  }

  /**
   * The owner, or whoever called it. A method of what can be closed, which calls another one of the
   * same class, does not use it: its caller does.
   */
  private static Optional<JavaFrame> user(LeakSite site) {
    Optional<JavaFrame> owner = site.owner();
    List<JavaFrame> stack = site.javaStack();
    int at = owner.map(stack::indexOf).orElse(-1);
    if (at < 1) {
      return owner;
    }
    String name = owner.get().className();
    boolean callsItself = stack.get(at - 1).className().equals(name);
    if (!callsItself || !closing(name).isPresent()) {
      return owner;
    }
    return stack.subList(at, stack.size()).stream()
        .filter(frame -> !frame.className().equals(name))
        .findFirst()
        .map(Optional::of)
        .orElse(owner);
  }

  /** What is to be closed, where {@code made} is a method of something that can be. */
  private static String toClose(String closing, JavaFrame made, Optional<JavaFrame> owner) {
    String name = made.className();
    String what = closing.equals("close") ? "close the " : "call " + closing + "() on the ";
    Optional<Class<?>[]> given = givenByAnObject(made);
    if (!given.isPresent()) {
      return what + name + owner.map(frame -> " that " + frame + " made").orElse("");
    }
    String called = made.methodName() + "()";
    String close = what + name + owner.map(frame -> " that " + frame + " uses").orElse("");
    for (Class<?> type : given.get()) {
      if (AutoCloseable.class.isAssignableFrom(type) && !type.getName().equals(name)) {
        return close + ", and the " + type.getName() + " that its " + called + " gives";
      }
    }
    return close + "; if that is done, its " + called + " leaks";
  }

  /** What was constructed between the owner and the allocation, the outermost first. */
  private static List<JavaFrame> made(LeakSite site, Optional<JavaFrame> owner) {
    List<JavaFrame> made = new ArrayList<>();
    for (JavaFrame frame : site.javaStack()) {
      if (owner.isPresent() && frame == owner.get()) {
        break;
      }
      made.add(0, frame);
    }
    // A constructor says what was made; without one, the class whose method was called may.
    made.sort((a, b) -> Boolean.compare(isConstructor(b), isConstructor(a)));
    return made;
  }

  private static boolean isConstructor(JavaFrame frame) {
    return frame.methodName().equals("<init>");
  }

  /** What the frame's method gives, if it is one of an object's that was there before. */
  private static Optional<Class<?>[]> givenByAnObject(JavaFrame frame) {
    if (isConstructor(frame)) {
      return Optional.empty();
    }
    return ask(
        frame.className(),
        type -> {
          List<Method> called = new ArrayList<>(Arrays.asList(type.getDeclaredMethods()));
          called.removeIf(method -> !method.getName().equals(frame.methodName()));
          if (called.isEmpty()
              || called.stream().anyMatch(method -> Modifier.isStatic(method.getModifiers()))) {
            return Optional.empty();
          }
          return Optional.of(called.stream().map(Method::getReturnType).toArray(Class<?>[]::new));
        });
  }

  /** The method of the class that gives back what its objects have. */
  private static Optional<String> closing(String name) {
    if (name.startsWith("java.") || name.startsWith("jdk.") || name.startsWith("sun.")) {
      return Optional.empty();
    }
    return ask(name, NextStep::closingMethod);
  }

  private static Optional<String> closingMethod(Class<?> type) {
    for (String closing : CLOSING) {
      for (Method method : type.getMethods()) {
        if (method.getName().equals(closing)
            && method.getParameterCount() == 0
            && !Modifier.isStatic(method.getModifiers())) {
          return Optional.of(closing);
        }
      }
    }
    return Optional.empty();
  }

  /** The answer about the class of this name, if it can be told. */
  private static <T> Optional<T> ask(String name, Function<Class<?>, Optional<T>> question) {
    try {
      ClassLoader loader = Thread.currentThread().getContextClassLoader();
      return question.apply(Class.forName(name, false, loader));
    } catch (ClassNotFoundException | LinkageError | RuntimeException e) {
      // Another loader has it, or part of it is missing.
      return Optional.empty();
    }
  }

  /** What silences this site, and others of the same code. */
  private static Optional<String> suppression(LeakSite site) {
    Optional<String> name = site.owner().map(LeakFrame::symbol);
    if (!name.isPresent()) {
      name =
          site.frames().stream()
              .filter(frame -> frame instanceof NativeFrame)
              .filter(frame -> ((NativeFrame) frame).function().isPresent())
              .map(LeakFrame::symbol)
              .findFirst();
    }
    return name.map(symbol -> "^" + symbol + "$");
  }
}
