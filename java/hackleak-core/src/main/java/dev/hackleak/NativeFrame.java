package dev.hackleak;

import java.util.Optional;

/** A native function on the stack of a leak, or a place in a module where its name is not known. */
public final class NativeFrame extends LeakFrame {
  private static final long serialVersionUID = 1;

  private final String function;
  private final String module;
  private final long offset;
  private final boolean inlined;

  NativeFrame(String function, String file, int line, String module, long offset, boolean inlined) {
    super(file, line);
    this.function = function;
    this.module = module;
    this.offset = offset;
    this.inlined = inlined;
  }

  /** The demangled function, if there is a symbol for it. */
  public Optional<String> function() {
    return function.isEmpty() ? Optional.empty() : Optional.of(function);
  }

  /** The path of the library or program that holds the code, if it is known. */
  public Optional<String> module() {
    return module.isEmpty() ? Optional.empty() : Optional.of(module);
  }

  /** The return address, in bytes from where the module was loaded. */
  public long offset() {
    return offset;
  }

  /** True when the compiler put this function's code into its caller, the next frame. */
  public boolean isInlined() {
    return inlined;
  }

  @Override
  public boolean isJava() {
    return false;
  }

  @Override
  public String symbol() {
    if (!function.isEmpty()) {
      return function;
    }
    String place = module.isEmpty() ? "(unknown)" : module.substring(module.lastIndexOf('/') + 1);
    return place + "+0x" + Long.toHexString(offset);
  }

  @Override
  public String toString() {
    String inline = inlined ? " (inlined)" : "";
    String location = location();
    return symbol() + inline + (location.isEmpty() ? "" : "  " + location);
  }
}
