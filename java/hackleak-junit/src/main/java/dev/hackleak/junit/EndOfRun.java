package dev.hackleak.junit;

import dev.hackleak.LeakWatch;
import org.junit.jupiter.api.extension.ExtensionContext.Store.CloseableResource;

/** In the root's store, which JUnit closes after the last test. */
final class EndOfRun implements CloseableResource, AutoCloseable {
  EndOfRun() {}

  @Override
  public void close() {
    LeakWatch.endOfRun();
  }
}
