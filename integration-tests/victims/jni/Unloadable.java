/** What {@code UnloadedLoader} loads and unloads. */
public class Unloadable {
  static native void plant(int bytes);

  public static void run() {
    System.load(System.getProperty("victim.unloadable.library"));
    for (int i = 0; i < 3; i++) {
      plant(1_999_993); // here: call
    }
  }
}
