package example;

import dev.hackleak.testng.NoLeaks;
import org.testng.SkipException;
import org.testng.annotations.Test;

@NoLeaks
public class ListenerTest {
  @Test
  public void clean() {
    new NativeBuffer().close();
  }

  @Test
  public void leaks() {
    new NativeBuffer();
  }

  @Test
  @NoLeaks(false)
  public void leftOut() {
    new NativeBuffer();
  }

  @Test
  @NoLeaks(allowBlocks = 1)
  public void allowed() {
    new NativeBuffer();
  }

  @Test
  public void skipped() {
    new NativeBuffer();
    throw new SkipException("mine");
  }

  @Test
  public void failed() {
    new NativeBuffer();
    throw new IllegalStateException("mine");
  }
}
