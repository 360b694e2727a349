package dev.hackleak.scalatest

import dev.hackleak.LeakWatch
import java.util.concurrent.atomic.AtomicReference
import org.scalatest.{Reporter, StatefulStatus, Status}
import org.scalatest.events.{Event, SeeStackDepthException}
import org.scalatest.events.{TestCanceled, TestFailed, TestPending, TestSucceeded}
import scala.util.control.NonFatal

/** A test under watch. It keeps back how the test ended until its fixtures have ended as well: only
  * then it is known whether the test leaked.
  *
  * @param reporter of the suite
  * @param afterwards runs when the watch has ended
  */
private[scalatest] final class WatchedTest(
    watch: LeakWatch,
    reporter: Reporter,
    afterwards: () => Unit
) extends Reporter {

  private val ending = new AtomicReference[Event]

  override def apply(event: Event): Unit = event match {
    case _: TestSucceeded | _: TestFailed | _: TestCanceled | _: TestPending => ending.set(event)
    case _ => reporter(event)
  }

  /** The test or its fixtures threw what ScalaTest does not take for the test's failure. */
  def threw(own: Throwable): Unit = end(Some(own))

  /** The status with the check, which is made once the test has completed. */
  def checked(test: Status): Status = {
    val status = new StatefulStatus
    test.whenCompleted { outcome =>
      try {
        val own = outcome.failed.toOption
        val passes = end(own) && outcome.getOrElse(false)
        if (!passes) status.setFailed()
        own.foreach(status.setFailedWith)
      } catch {
        case aborting: Throwable =>
          status.setFailedWith(aborting)
          throw aborting
      } finally status.setCompleted()
    }
    status
  }

  /** Ends the watch and tells how the test ended; false if it has failed for that. */
  private def end(own: Option[Throwable]): Boolean = {
    // It may be another thread that completes the test, with a scope of its own.
    val before = watch.entered()
    try {
      val ended = ending.getAndSet(null)
      val judged = judge(ended, own)
      if (judged != null) reporter(judged)
      judged eq ended
    } finally {
      watch.left(before)
      afterwards()
    }
  }

  /** What is to be told of the test; null if ScalaTest has told nothing. */
  private def judge(ended: Event, own: Option[Throwable]): Event = ended match {
    case passed: TestSucceeded if own.isEmpty =>
      try {
        watch.end()
        passed
      } catch { case NonFatal(leak) => failed(passed, leak) }
    case canceled: TestCanceled =>
      watch.endSkipped(canceled.throwable.orElse(own).orNull)
      canceled
    case pending: TestPending =>
      watch.endSkipped(own.orNull)
      pending
    case failed: TestFailed =>
      watch.endFailed(failed.throwable.orElse(own).orNull)
      failed
    case other =>
      watch.endFailed(own.orNull)
      other
  }

  /** As ScalaTest tells it of a test that has thrown this. */
  private def failed(passed: TestSucceeded, leak: Throwable): TestFailed =
    TestFailed(
      ordinal = passed.ordinal,
      message = Option(leak.getMessage).getOrElse(leak.toString),
      suiteName = passed.suiteName,
      suiteId = passed.suiteId,
      suiteClassName = passed.suiteClassName,
      testName = passed.testName,
      testText = passed.testText,
      recordedEvents = passed.recordedEvents,
      analysis = Vector.empty,
      throwable = Some(leak),
      duration = passed.duration,
      formatter = passed.formatter,
      location = Some(SeeStackDepthException),
      rerunner = passed.rerunner,
      payload = passed.payload,
      threadName = passed.threadName,
      timeStamp = passed.timeStamp
    )
}
