package example

import dev.hackleak.{LeakCheck, LeakError, LeakWatch}
import org.scalatest.{Failed, Outcome, TestSuite, TestSuiteMixin}

/** Fails each test of a suite that leaks native memory. */
trait NoLeaks extends TestSuiteMixin { this: TestSuite =>

  /** How tests are checked. */
  protected def leakCheck: LeakCheck = LeakCheck.standard().settling(true)

  /** Whether other tests run at the same time, as with ParallelTestExecution. */
  protected def inParallel: Boolean = false

  abstract override def withFixture(test: NoArgTest): Outcome = {
    val watch = LeakWatch.begin(s"$suiteName > ${test.name}", leakCheck, inParallel)
    val outcome = super.withFixture(test)
    try {
      watch.end()
      outcome
    } catch {
      case leak: LeakError =>
        outcome match {
          case Failed(own) =>
            own.addSuppressed(leak)
            outcome
          case _ => Failed(leak)
        }
    }
  }
}
