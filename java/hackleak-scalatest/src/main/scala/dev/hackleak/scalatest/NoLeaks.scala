package dev.hackleak.scalatest

import dev.hackleak.{LeakCheck, LeakWatch, TestSeries}
import java.util.Collections
import org.scalatest.{Args, OneInstancePerTest, Status, Suite, SuiteMixin}
import scala.concurrent.Await
import scala.concurrent.duration.Duration

/** Fails a ScalaTest test that leaks native memory, with a `dev.hackleak.LeakError`.
  *
  * {{{
  * class StoreSuite extends AnyFunSuite with BeforeAndAfterEach with NoLeaks {
  *   test("closes what it opens") { … }
  * }
  * }}}
  *
  * It is for suites of every style, asynchronous ones too: there the check is made when the future
  * has completed. Mixed in last, it watches a test with its fixtures: what `beforeEach` and the
  * test allocate must be free again when `afterEach` has ended. Traits that are mixed in after it
  * lie outside, and so do the suite's constructor, `beforeAll` and `afterAll`.
  * `ParallelTestExecution` has to come after it: it lets nobody else run its tests.
  *
  * A test that failed keeps its failure, and one that was canceled or is pending stays so; the leak
  * is attached to what ended the test as a suppressed exception, and one line on stderr says so.
  * What is held and grows with each of the suite's tests aborts the suite at its end. Suites with
  * `OneInstancePerTest` say it on stderr instead, and what only the instance of a finished test
  * holds is lost there.
  *
  * Where the JVM is not recorded the tests run unchecked, which one notice on stderr says; with
  * `-Dhackleak.required=true` the suite is aborted instead, with an `IllegalStateException`. A
  * system property of HackLeak that says what cannot be aborts it as well, with an
  * `IllegalArgumentException`.
  *
  * Suites may run in parallel, and their tests: see `dev.hackleak.LeakWatch` for what a test then
  * answers for.
  */
trait NoLeaks extends SuiteMixin { this: Suite =>

  /** The tests of this instance; null outside of a run, and where each test has an instance. */
  @volatile private var series: TestSeries = null

  /** How the tests are checked. Asked before the first, and before each of them, by the thread that
    * runs it.
    */
  protected def leakCheck: LeakCheck = LeakCheck.ofTests()

  /** Whether other tests run at the same time. Where ScalaTest runs them so, and where watched
    * tests overlap, it is noticed without being told. Asked before each test.
    */
  protected def inParallel: Boolean = false

  /** Runs the suite, and looks for what has grown with its tests. For ScalaTest. Unless ScalaTest
    * runs suites in parallel, it returns when the suite has completed, so that an asynchronous one
    * does not overlap with the next.
    */
  abstract override def run(testName: Option[String], args: Args): Status = {
    val status =
      if (this.isInstanceOf[OneInstancePerTest]) super.run(testName, args)
      else runSeries(super.run(testName, args))
    if (args.distributor.isEmpty) Await.ready(status.toFuture, Duration.Inf)
    status
  }

  private def runSeries(suite: => Status): Status = {
    val tests = TestSeries.begin(suiteName, leakCheck)
    series = tests
    val status = suite
    status.withAfterEffect {
      if (status.unreportedException.isEmpty) {
        tests.endsWith(Collections.singletonList(this))
        tests.end()
      }
    }
  }

  /** Runs a test, and checks it. For ScalaTest. */
  abstract protected override def runTest(testName: String, args: Args): Status =
    // This instance only makes the one that will run the test.
    if (args.runTestInNewInstance) super.runTest(testName, args)
    else {
      val check = leakCheck
      val parallel = inParallel || args.distributor.isDefined
      val watch = LeakWatch.begin(wholeName(testName), check, parallel)
      if (this.isInstanceOf[OneInstancePerTest]) watch.endsWith(Collections.singletonList(this))
      val test = new WatchedTest(watch, args.reporter, () => ended(check, watch))
      val status =
        try super.runTest(testName, args.copy(reporter = test))
        catch {
          case own: Throwable =>
            watch.leave()
            test.threw(own)
            throw own
        }
      // The rest of an asynchronous test is not this thread's work.
      watch.leave()
      test.checked(status)
    }

  private def ended(check: LeakCheck, watch: LeakWatch): Unit = {
    val tests = series
    if (tests == null) TestSeries.follow(getClass.getName, check, watch)
    else tests.ended(watch)
  }

  /** All that the test is part of, for the reports: `StoreSpec > A store > should close`. */
  private def wholeName(testName: String): String = {
    val data = testDataFor(testName)
    (suiteName +: data.scopes :+ data.text).mkString(" > ")
  }
}
