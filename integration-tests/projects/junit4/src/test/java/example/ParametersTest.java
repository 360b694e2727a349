package example;

import dev.hackleak.junit4.NoLeaksRule;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.Rule;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.junit.runners.Parameterized;
import org.junit.runners.Parameterized.Parameter;
import org.junit.runners.Parameterized.Parameters;

/** Parameters hold nothing once their test has ended, though the runner keeps them. */
@RunWith(Parameterized.class)
public class ParametersTest {
  private static final List<NativeBuffer> OF_THE_CLASS = new ArrayList<>();

  @Rule public final NoLeaksRule noLeaks = NoLeaksRule.noLeaks();

  @Parameter public List<NativeBuffer> parameter;

  @Parameters
  public static List<Object[]> parameters() {
    return Arrays.<Object[]>asList(new Object[] {new ArrayList<NativeBuffer>()});
  }

  @Test
  public void parameterHolds() {
    parameter.add(new NativeBuffer());
  }

  @Test
  public void parameterIsCleanedUp() {
    parameter.add(new NativeBuffer());
    parameter.remove(parameter.size() - 1).close();
  }

  @Test
  public void staticHolds() {
    OF_THE_CLASS.add(new NativeBuffer());
  }
}
