import java.awt.Graphics2D;
import java.awt.image.BufferedImage;

/** Draws a text, for which libraries of the JDK's take arrays and give them back. */
public class Fonts {
  public static void main(String[] args) {
    System.setProperty("java.awt.headless", "true");
    try {
      Graphics2D graphics = new BufferedImage(50, 50, BufferedImage.TYPE_INT_RGB).createGraphics();
      graphics.drawString("drawn", 5, 20);
      graphics.dispose();
      System.out.println("drawn");
    } catch (LinkageError | InternalError e) {
      System.out.println("no fonts: " + e);
    }
  }
}
