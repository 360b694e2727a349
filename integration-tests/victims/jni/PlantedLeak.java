import dev.hackleak.HackLeak;

/** Leaks three blocks of 1,999,993 bytes through JNI; with the argument {@code clean} it frees them. */
public class PlantedLeak {
  static native void plant(int bytes, boolean free);

  static void caller(boolean free) {
    plant(1_999_993, free); // here: call
  }

  public static void main(String[] args) {
    HackLeak.checkpoint("start");
    System.load(System.getProperty("victim.library"));
    boolean free = args[0].equals("clean");
    for (int i = 0; i < 3; i++) {
      caller(free); // here: caller
    }
  }
}
