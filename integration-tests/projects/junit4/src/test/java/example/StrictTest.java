package example;

import dev.hackleak.Held;
import dev.hackleak.LeakCheck;
import dev.hackleak.junit4.NoLeaksRule;
import org.junit.Rule;
import org.junit.Test;

/** A check that takes what is held for leaked, whatever the recorder was told. */
public class StrictTest {
  private static NativeBuffer kept;

  @Rule
  public final NoLeaksRule noLeaks =
      NoLeaksRule.checking(LeakCheck.standard().settling(true).held(Held.FAIL));

  @Test
  public void staticHolds() {
    kept = new NativeBuffer();
  }
}
