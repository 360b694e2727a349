import dev.hackleak.Checkpoint;
import dev.hackleak.HackLeak;
import dev.hackleak.LeakReport;
import java.nio.file.Files;
import java.nio.file.Path;

/** Loads copies of libraries, deletes each at once, and has each leak; the last allocates unseen. */
public class DeletedLibrary {
  static native void named();

  static native void nameless();

  static native void hidden();

  static void load(String library) throws Exception {
    Path copy = Files.createTempFile(Path.of(System.getProperty("victim.folder")), "libgone", ".so");
    Files.delete(copy);
    Files.copy(Path.of(library), copy);
    System.load(copy.toString());
    Files.delete(copy);
  }

  public static void main(String[] args) throws Exception {
    load(args[0]);
    load(args[1]);
    Checkpoint seen = HackLeak.checkpoint("seen");
    System.out.println("blind before: " + HackLeak.leaksSince(seen).blindLibraries());
    named();
    nameless();
    System.out.println("leaks: " + HackLeak.leaksSince(seen).blocks());
    load(args[2]);
    Checkpoint checkpoint = HackLeak.checkpoint("unseen");
    hidden();
    LeakReport clean = HackLeak.leaksSince(checkpoint);
    System.out.println("clean: " + !clean.hasLeaks() + ", fails: " + clean.fails());
    System.out.println("blind after: " + clean.blindLibraries());
    clean.notes().forEach(note -> System.out.println("note: " + note));
  }
}
