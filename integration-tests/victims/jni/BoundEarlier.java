import dev.hackleak.HackLeak;

/**
 * A native method that is bound and called before anything of HackLeak is used leaks 1,999,993 bytes, and 2,999,999 bytes
 * after the first checkpoint.
 */
public class BoundEarlier {
  static native void plant(int bytes);

  static void caller(int bytes) {
    plant(bytes); // here: call
  }

  public static void main(String[] args) {
    System.load(System.getProperty("victim.library"));
    caller(1_999_993);
    HackLeak.checkpoint("start");
    caller(2_999_999);
  }
}
