package dev.hackleak;

/** A Java method on the stack of a leak. */
public final class JavaFrame extends LeakFrame {
  private static final long serialVersionUID = 1;

  private final String className;
  private final String methodName;
  private final boolean nativeMethod;

  JavaFrame(String className, String methodName, String file, int line, boolean nativeMethod) {
    super(file, line);
    this.className = className;
    this.methodName = methodName;
    this.nativeMethod = nativeMethod;
  }

  /** The class's binary name, such as {@code org.rocksdb.Options}. */
  public String className() {
    return className;
  }

  /** The method's name; {@code <init>} for a constructor. */
  public String methodName() {
    return methodName;
  }

  /** True for the method that crossed into native code. */
  public boolean isNativeMethod() {
    return nativeMethod;
  }

  @Override
  public boolean isJava() {
    return true;
  }

  @Override
  public String symbol() {
    return className + "." + methodName;
  }

  @Override
  public String toString() {
    String location = location();
    if (nativeMethod) {
      location = "Native Method";
    } else if (location.isEmpty()) {
      location = "Unknown Source";
    }
    return symbol() + "(" + location + ")";
  }
}
