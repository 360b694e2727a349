package dev.hackleak.junit;

import dev.hackleak.Ignored;
import dev.hackleak.LeakWatch;
import java.util.concurrent.atomic.AtomicBoolean;

/** The watch over a test, or the test's part in the watch over its class; in the test's store. */
final class TestWatch {
  final NoLeaksExtension owner;
  final Plan plan;
  final LeakWatch watch;
  final int before;
  final Ignored ignored;

  /** Whether the leaks inside of the factory are some that a dynamic test has answered for. */
  final AtomicBoolean answeredByDynamicTests = new AtomicBoolean();

  TestWatch(NoLeaksExtension owner, Plan plan, LeakWatch watch, int before, Ignored ignored) {
    this.owner = owner;
    this.plan = plan;
    this.watch = watch;
    this.before = before;
    this.ignored = ignored;
  }
}
