package example;

import dev.hackleak.junit4.NoLeaksRule;
import org.junit.After;
import org.junit.Assume;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;

public class RuleTest {
  @Rule public final NoLeaksRule noLeaks = NoLeaksRule.noLeaks();

  private NativeBuffer opened;

  @Before
  public void open() {
    opened = new NativeBuffer();
  }

  @After
  public void close() {
    opened.close();
  }

  @Test
  public void clean() {
    new NativeBuffer().close();
  }

  @Test
  public void leaks() {
    new NativeBuffer();
  }

  @Test(timeout = 300_000)
  public void leaksOnTheThreadOfTheTimeout() {
    new NativeBuffer();
  }

  @Test
  public void skipped() {
    new NativeBuffer();
    Assume.assumeTrue("mine", false);
  }

  @Test
  public void failed() {
    new NativeBuffer();
    throw new IllegalStateException("mine");
  }
}
