import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.hackleak.HackLeak;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Calls the C library's allocator from Java code, through the linker's own look-up. */
public class DefaultLookup {
  static MethodHandle find(String name, FunctionDescriptor type, Linker.Option... options) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().find(name).orElseThrow(), type, options);
  }

  static void leak(MethodHandle malloc, long size) throws Throwable {
    MemorySegment block = (MemorySegment) malloc.invokeExact(size);
    if (block.address() == 0) {
      throw new OutOfMemoryError();
    }
  }

  static void leakCritically(MethodHandle malloc, long size) throws Throwable {
    MemorySegment block = (MemorySegment) malloc.invokeExact(size);
    if (block.address() == 0) {
      throw new OutOfMemoryError();
    }
  }

  public static void main(String[] args) throws Throwable {
    FunctionDescriptor type = FunctionDescriptor.of(ADDRESS, JAVA_LONG);
    MethodHandle malloc = find("malloc", type);
    MethodHandle critical = find("malloc", type, Linker.Option.critical(false));
    MethodHandle free = find("free", FunctionDescriptor.ofVoid(ADDRESS));
    HackLeak.checkpoint("start");
    for (int i = 0; i < 20_000; i++) {
      free.invokeExact((MemorySegment) malloc.invokeExact(999_983L));
      free.invokeExact((MemorySegment) critical.invokeExact(999_983L));
    }
    HackLeak.checkpoint("the recorder knows of critical calls");
    if (args[0].equals("leak")) {
      leak(malloc, 1_999_993);
      for (int i = 0; i < 3; i++) {
        leakCritically(critical, 2_999_993);
      }
    }
  }
}
