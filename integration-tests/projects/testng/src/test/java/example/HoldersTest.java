package example;

import dev.hackleak.Held;
import dev.hackleak.testng.NoLeaks;
import java.util.ArrayList;
import java.util.List;
import org.testng.annotations.DataProvider;
import org.testng.annotations.Test;

/** Arguments end with their test; the instance serves all tests of its class. */
@NoLeaks
public class HoldersTest {
  private final List<NativeBuffer> ofTheInstance = new ArrayList<>();

  @DataProvider
  public Object[][] shelves() {
    return new Object[][] {{new Shelf()}};
  }

  /** TestNG copies what can be cloned, and shows listeners the copy. */
  public static final class Shelf {
    private NativeBuffer buffer;
  }

  @Test(dataProvider = "shelves")
  public void argumentHolds(Shelf shelf) {
    shelf.buffer = new NativeBuffer();
  }

  @Test(dataProvider = "shelves")
  public void argumentIsCleanedUp(Shelf shelf) {
    shelf.buffer = new NativeBuffer();
    shelf.buffer.close();
  }

  @Test
  public void instanceHolds() {
    ofTheInstance.add(new NativeBuffer());
  }

  @Test
  @NoLeaks(held = Held.FAIL)
  public void instanceHoldsWhereThatFails() {
    ofTheInstance.add(new NativeBuffer());
  }
}
