/** Starts and ends. For the bench. */
public class Nothing {
  public static void main(String[] args) {}
}
