import dev.hackleak.HackLeak;

/** Takes objects from pools that the option {@code pools} names; with {@code leak}, keeps some. */
public class DeclaredPools {
  static native long take(int size);

  static native void give(long object);

  static native long takeThroughTable();

  static native void hidden();

  static void round(boolean release) {
    long sized = take(1_999_993);
    long counted = takeThroughTable();
    if (release) {
      give(sized);
      give(counted);
    }
  }

  public static void main(String[] args) {
    System.load(System.getProperty("victim.library"));
    HackLeak.checkpoint("start");
    for (int i = 0; i < 1000; i++) {
      round(true);
    }
    hidden();
    if (args[0].equals("leak")) {
      round(false);
    }
  }
}
