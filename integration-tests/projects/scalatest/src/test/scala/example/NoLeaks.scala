package example

import dev.hackleak.{LeakCheck, LeakError, LeakWatch}
import org.scalatest.{Canceled, Failed, Outcome, Succeeded, TestSuite, TestSuiteMixin}

/** Fails each test of a suite that leaks native memory; other outcomes than success stay. */
trait NoLeaks extends TestSuiteMixin { this: TestSuite =>

  /** How tests are checked. */
  protected def leakCheck: LeakCheck = LeakCheck.standard().settling(true)

  /** Whether other tests run at the same time, as with ParallelTestExecution. */
  protected def inParallel: Boolean = false

  abstract override def withFixture(test: NoArgTest): Outcome = {
    val watch = LeakWatch.begin(s"$suiteName > ${test.name}", leakCheck, inParallel)
    val outcome =
      try super.withFixture(test)
      catch { case own: Throwable => watch.endFailed(own); throw own }
    outcome match {
      case Succeeded =>
        try { watch.end(); outcome }
        catch { case leak: LeakError => Failed(leak) }
      case Failed(own) => watch.endFailed(own); outcome
      case Canceled(why) => watch.endSkipped(why); outcome
      case _ => watch.endSkipped(null); outcome
    }
  }
}
