import dev.hackleak.HackLeak;
import java.lang.ref.WeakReference;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Paths;

/**
 * Loads {@code Unloadable} with a class loader of its own, lets it leak 3 blocks, and drops loader, class and library. The
 * names must have been taken while they existed.
 */
public class UnloadedLoader {
  static WeakReference<Class<?>> leakAndDrop() throws Exception {
    URL folder = Paths.get(System.getProperty("victim.unloadable.classes")).toUri().toURL();
    try (URLClassLoader loader = new URLClassLoader(new URL[] {folder}, null)) {
      Class<?> type = loader.loadClass("Unloadable");
      type.getMethod("run").invoke(null);
      return new WeakReference<>(type);
    }
  }

  public static void main(String[] args) throws Exception {
    HackLeak.checkpoint("start");
    // Not needed here, but each victim has a native half: it allocates after the other one has gone.
    System.load(System.getProperty("victim.library"));
    WeakReference<Class<?>> dropped = leakAndDrop();
    for (int i = 0; i < 3_000 && dropped.get() != null; i++) {
      System.gc();
      Thread.sleep(10);
    }
    System.out.println(dropped.get() == null ? "class unloaded" : "class still there");
    System.out.println(libraryIsMapped() ? "library still there" : "library unloaded");
    plantAfterwards();
  }

  static native void plantAfterwards();

  static boolean libraryIsMapped() throws Exception {
    for (int i = 0; i < 3_000; i++) {
      boolean mapped =
          java.nio.file.Files.readString(Paths.get("/proc/self/maps")).contains("libUnloadable.so");
      if (!mapped) {
        return false;
      }
      System.gc();
      Thread.sleep(10);
    }
    return true;
  }
}
