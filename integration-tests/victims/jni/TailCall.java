import dev.hackleak.HackLeak;

/** A native method whose last act is to jump to {@code operator new}: there is no native frame to see. Leaks 4 blocks. */
public class TailCall {
  static native long allocate(long bytes);

  public static void main(String[] args) {
    HackLeak.checkpoint("start");
    System.load(System.getProperty("victim.library"));
    for (int i = 0; i < 4; i++) {
      allocate(1_999_993); // here: call
    }
  }
}
