import dev.hackleak.HackLeak;
import dev.hackleak.LeakCheck;
import dev.hackleak.LeakError;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.net.URL;
import java.net.URLClassLoader;

/**
 * Keeps the address of a block in a static field: of a class of the application, of one whose loader is kept, and of
 * one whose loader is garbage. Prints what each check found, and whether garbage was collected for it.
 */
public final class FirmHolders {
  private static long block;
  private static Object loader;

  /** Loaded by a loader of its own. */
  public static final class Plugin implements java.util.function.LongConsumer {
    private static long block;

    @Override
    public void accept(long address) {
      block = address;
    }
  }

  private static native long allocate(int bytes);

  private static ClassLoader withPlugin(long address) throws Exception {
    URL[] classes = {FirmHolders.class.getProtectionDomain().getCodeSource().getLocation()};
    ClassLoader loader = new URLClassLoader(classes, null);
    Class<?> plugin = loader.loadClass("FirmHolders$Plugin");
    ((java.util.function.LongConsumer) plugin.getConstructor().newInstance()).accept(address);
    return loader;
  }

  private static long collections() {
    long count = 0;
    for (GarbageCollectorMXBean collector : ManagementFactory.getGarbageCollectorMXBeans()) {
      count += Math.max(collector.getCollectionCount(), 0);
    }
    return count;
  }

  private interface Body {
    void run() throws Exception;
  }

  private static void check(String what, Body body) throws Exception {
    HackLeak.checkpoint(what);
    body.run();
    long before = collections();
    String found = "held";
    try {
      HackLeak.assertNoLeaks(LeakCheck.standard().settling(true));
    } catch (LeakError e) {
      found = e.report().bytes() + " bytes lost";
    }
    System.out.println(what + ": " + found + (collections() == before ? "" : ", collected"));
  }

  public static void main(String[] arguments) throws Exception {
    System.load(System.getProperty("victim.library"));
    collections();
    check("application", () -> block = allocate(1_000_003));
    check("kept loader", () -> loader = withPlugin(allocate(1_000_033)));
    check("dropped loader", () -> withPlugin(allocate(1_000_037)));
  }
}
