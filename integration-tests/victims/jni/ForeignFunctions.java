import dev.hackleak.HackLeak;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.file.Path;

/**
 * No JNI at all: {@code caller} leaks 1,999,993 bytes by a downcall; another one calls {@code back} by an upcall, which
 * leaks 2,999,999 bytes by a downcall of its own.
 */
public class ForeignFunctions {
  private static MethodHandle plant;
  private static MethodHandle callBack;

  static void caller() throws Throwable {
    plant.invokeExact(1_999_993L); // here: call
  }

  // An upcall must not throw.
  static void back() {
    try {
      plant.invokeExact(2_999_999L);
    } catch (Throwable e) {
      e.printStackTrace();
    }
  }

  public static void main(String[] args) throws Throwable {
    HackLeak.checkpoint("start");
    Linker linker = Linker.nativeLinker();
    Path path = Path.of(System.getProperty("victim.library"));
    SymbolLookup library = SymbolLookup.libraryLookup(path, Arena.global());
    FunctionDescriptor takesLong = FunctionDescriptor.ofVoid(ValueLayout.JAVA_LONG);
    FunctionDescriptor takesPointer = FunctionDescriptor.ofVoid(ValueLayout.ADDRESS);
    plant = linker.downcallHandle(library.find("foreign_plant").orElseThrow(), takesLong);
    callBack = linker.downcallHandle(library.find("foreign_call_back").orElseThrow(), takesPointer);
    MethodHandle back =
        MethodHandles.lookup().findStatic(ForeignFunctions.class, "back", MethodType.methodType(void.class));
    MemorySegment stub = linker.upcallStub(back, FunctionDescriptor.ofVoid(), Arena.global());
    for (int i = 0; i < 3; i++) {
      caller();
    }
    callBack.invokeExact(stub);
  }
}
