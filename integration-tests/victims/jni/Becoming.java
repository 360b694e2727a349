import java.lang.reflect.Field;
import sun.misc.Unsafe;

/**
 * Leaks native blocks, global references and off-heap memory, without a word to HackLeak; with the argument {@code
 * clean} it gives them back.
 */
public class Becoming {
  static native void plant(int bytes, Object object, boolean release);

  static void caller(boolean release) {
    plant(1_999_993, new Object(), release); // here: call
  }

  public static void main(String[] args) throws Exception {
    boolean release = args[0].equals("clean");
    System.load(System.getProperty("victim.library"));
    for (int i = 0; i < 7; i++) {
      caller(release);
    }
    Field field = Unsafe.class.getDeclaredField("theUnsafe");
    field.setAccessible(true);
    Unsafe unsafe = (Unsafe) field.get(null);
    for (int i = 0; i < 3; i++) {
      long block = unsafe.allocateMemory(1_777_776);
      if (release) {
        unsafe.freeMemory(block);
      }
    }
    System.out.println("done");
  }
}
