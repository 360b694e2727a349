package example;

import dev.hackleak.LeakCheck;
import dev.hackleak.junit4.NoLeaksRule;
import org.junit.Rule;
import org.junit.Test;

public class GrowingTest {
  private static NativeBuffer kept;

  @Rule
  public final NoLeaksRule noLeaks = NoLeaksRule.checking(LeakCheck.standard()).repeat(0, 3);

  @Test
  public void keepsOne() {
    if (kept == null) {
      kept = new NativeBuffer();
    }
  }

  @Test
  public void grows() {
    new NativeBuffer();
  }
}
