import dev.hackleak.HackLeak;
import java.nio.ByteBuffer;

/** Gives back what was never taken, or by the wrong function; or does the same things right. */
public class InvalidReleases {
  static native void neverTaken(byte[] array);

  static native void taken(byte[] array);

  static native void chars(String text, boolean right);

  static native ByteBuffer over(int size);

  static native void freeUnder(ByteBuffer buffer);

  static ByteBuffer kept;

  static void freedUnderKeptBuffer() {
    kept = over(1_999_993);
    freeUnder(kept); // here: freed
  }

  static void freedUnderForgottenBuffer() {
    freeUnder(over(2_999_993));
  }

  public static void main(String[] args) {
    System.load(System.getProperty("victim.library"));
    boolean right = args[0].equals("right");
    HackLeak.checkpoint("start");
    if (right) {
      taken(new byte[100]);
      taken(new byte[0]);
      kept = over(999_983);
    } else {
      neverTaken(new byte[100]);
      freedUnderKeptBuffer();
    }
    chars("abcdefg", right);
    freedUnderForgottenBuffer();
    HackLeak.settle();
    HackLeak.settle();
    if (right) {
      ByteBuffer last = kept;
      kept = null;
      freeUnder(last);
    }
  }
}
