import dev.hackleak.HackLeak;
import java.io.File;
import java.nio.charset.StandardCharsets;

/** Starts the commands that are its arguments (words separated by blanks) and prints what they print. */
public class Children {
  static native void plant();

  public static void main(String[] args) throws Exception {
    HackLeak.checkpoint("start");
    System.load(System.getProperty("victim.library"));
    for (String command : args) {
      Process process =
          new ProcessBuilder(command.split(" ")).redirectErrorStream(true).redirectInput(new File("/dev/null")).start();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      System.out.println(process.waitFor() + ": " + output.trim());
    }
    plant();
  }
}
