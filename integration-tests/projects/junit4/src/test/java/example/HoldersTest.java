package example;

import dev.hackleak.junit4.NoLeaksRule;
import org.junit.After;
import org.junit.Rule;
import org.junit.Test;

/** The finished test's instance holds nothing; a static does. */
public class HoldersTest {
  private static NativeBuffer ofTheClass;

  @Rule public final NoLeaksRule noLeaks = NoLeaksRule.noLeaks();

  private NativeBuffer ofTheInstance;
  private boolean closes;

  @After
  public void close() {
    if (closes) {
      ofTheInstance.close();
    }
  }

  @Test
  public void instanceHolds() {
    ofTheInstance = new NativeBuffer();
  }

  @Test
  public void instanceIsCleanedUp() {
    ofTheInstance = new NativeBuffer();
    closes = true;
  }

  @Test
  public void staticHolds() {
    ofTheClass = new NativeBuffer();
  }
}
