import dev.hackleak.Checkpoint;
import dev.hackleak.HackLeak;
import dev.hackleak.LeakCheck;
import dev.hackleak.LeakReport;
import java.lang.ref.Cleaner;
import java.util.ArrayList;
import java.util.List;

/**
 * Native blocks whose owners free them by a Cleaner: 10 owners become garbage, 3 stay referenced. Settled, the report has
 * the blocks of those 3; when they too are dropped, nothing.
 */
public class OwnedByGarbage {
  static native long allocate(int bytes);

  static native void free(long block);

  private static final Cleaner CLEANER = Cleaner.create();

  static class Owner {
    Owner() {
      long block = allocate(1_999_993);
      CLEANER.register(this, () -> free(block));
    }
  }

  static void dropped() {
    for (int i = 0; i < 10; i++) {
      new Owner();
    }
  }

  static void print(Checkpoint since) {
    LeakReport report = HackLeak.leaksSince(since, LeakCheck.standard().settling(true));
    System.out.println(report.blocks() + " blocks, " + report.bytes() + " bytes");
  }

  public static void main(String[] args) {
    HackLeak.isActive();
    System.load(System.getProperty("victim.library"));
    Checkpoint since = HackLeak.checkpoint("start");
    dropped();
    List<Owner> kept = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      kept.add(new Owner());
    }
    print(since);
    kept.clear();
    print(since);
  }
}
