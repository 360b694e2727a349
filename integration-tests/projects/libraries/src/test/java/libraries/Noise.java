package libraries;

import dev.hackleak.Checkpoint;
import dev.hackleak.HackLeak;
import dev.hackleak.LeakCheck;
import dev.hackleak.LeakReport;
import dev.hackleak.LeakSite;
import java.lang.reflect.Method;
import java.util.Map;
import java.util.TreeMap;

/**
 * Prints what a library keeps: for the first use of its test class, the second, and so on.
 *
 * <p>{@code Noise CLASS ROUNDS [SITES]}
 */
final class Noise {
  private Noise() {}

  public static void main(String[] args) throws Exception {
    Class<?> test = Class.forName("libraries." + args[0]);
    int rounds = Integer.parseInt(args[1]);
    int shown = args.length > 2 ? Integer.parseInt(args[2]) : 0;
    Method use = test.getDeclaredMethod("use");
    try {
      test.getDeclaredField("folder").set(null, java.nio.file.Files.createTempDirectory("noise"));
      java.lang.reflect.Field k = test.getDeclaredField("keys"); k.setAccessible(true);
      Method m = test.getDeclaredMethod("newKeys"); m.setAccessible(true);
      k.set(null, m.invoke(null));
    } catch (NoSuchFieldException e) {}
    for (int round = 1; round <= rounds; round++) {
      int times = round == rounds ? 100 : 1;
      Checkpoint before = HackLeak.checkpoint();
      long start = System.nanoTime();
      for (int i = 0; i < times; i++) { if (Boolean.getBoolean("thread")) { Thread th = new Thread(() -> { try { use.invoke(null); } catch (Exception e) { throw new RuntimeException(e);}}); th.start(); th.join(); } else use.invoke(null); }
      long t = System.nanoTime() - start;
      LeakReport raw = HackLeak.leaksSince(before, LeakCheck.standard().settling(false));
      LeakReport settled = HackLeak.leaksSince(before, LeakCheck.standard().settling(true));
      System.out.println(round + " x" + times + " " + t / 1000 / times + "us/use raw " + kinds(raw) + " settled " + kinds(settled)+ " notes " + settled.notes());
      if (shown > 0) settled.sites().stream().limit(shown).forEach(System.out::println);
    }
  }

  private static Map<String, String> kinds(LeakReport report) {
    Map<String, long[]> kinds = new TreeMap<>();
    for (LeakSite site : report.sites()) {
      long[] sum = kinds.computeIfAbsent(site.kind(), k -> new long[3]);
      sum[0] += site.count();
      sum[1] += site.bytes();
      sum[2]++;
    }
    Map<String, String> r = new TreeMap<>();
    kinds.forEach((k, v) -> r.put(k, v[0] + "/" + v[1] + "B/" + v[2] + "s"));
    return r;
  }
}
