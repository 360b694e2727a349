package dev.hackleak.scalatest

import dev.hackleak.{LeakError, SimulatedRecording}
import java.util.concurrent.{ConcurrentLinkedQueue, CountDownLatch, Executors, TimeUnit}
import org.scalatest.{Args, Distributor, Reporter, StatefulStatus, Status, Suite, Tracker}
import org.scalatest.events.{Event, TestCanceled, TestFailed, TestIgnored, TestPending}
import org.scalatest.events.{TestStarting, TestSucceeded}
import scala.util.{Failure, Success, Try}

/** What a run of a suite came to. */
final class Ran(val events: Seq[Event], val passes: Try[Boolean]) {

  /** How each test ended, by its text: with how many leaks attached to what ended it. */
  def outcomes: String = {
    val found = events.collect {
      case e: TestSucceeded => e.testName -> "passed"
      case e: TestFailed => e.testName -> why("failed", e.throwable)
      case e: TestCanceled => e.testName -> why("canceled", e.throwable)
      case e: TestPending => e.testName -> "pending"
      case e: TestIgnored => e.testName -> "ignored"
    }
    found.sorted.map { case (name, outcome) => s"$name=$outcome" }.mkString("; ")
  }

  def failures: Seq[TestFailed] = events.collect { case e: TestFailed => e }

  def started: Int = events.count(_.isInstanceOf[TestStarting])

  private def why(outcome: String, thrown: Option[Throwable]): String = thrown match {
    case Some(own) =>
      val leaks = own.getSuppressed.count(_.isInstanceOf[LeakError])
      s"$outcome ${own.getClass.getSimpleName} + $leaks"
    case None => outcome
  }
}

object Ran {

  /** The recorder of the suite that runs. */
  @volatile var recording: SimulatedRecording = null

  def leak(): Unit = recording.allocate(1)

  def free(): Unit = recording.freeNewest(1)

  def apply(suite: => Suite): Ran = in(SimulatedRecording.active())(suite, None)

  def parallel(suite: => Suite): Ran = {
    val pool = new Pool
    try in(SimulatedRecording.active())(suite, Some(pool))
    finally pool.close()
  }

  def in(active: SimulatedRecording)(suite: => Suite, distributor: Option[Pool]): Ran =
    try {
      recording = active
      val events = new ConcurrentLinkedQueue[Event]
      val reporter = new Reporter { override def apply(event: Event): Unit = events.add(event) }
      val args = Args(reporter, distributor = distributor, tracker = new Tracker)
      val ended = new CountDownLatch(1)
      var passes: Try[Boolean] = Failure(new IllegalStateException("it has not ended"))
      val status = suite.run(None, args)
      status.whenCompleted { outcome =>
        passes = outcome
        ended.countDown()
      }
      ended.await()
      distributor.foreach(_.await())
      new Ran(events.toArray(Array.empty[Event]).toSeq, passes)
    } finally active.close()

  /** As many threads as there are tests. */
  final class Pool extends Distributor {
    private val threads = Executors.newCachedThreadPool()
    private val statuses = new ConcurrentLinkedQueue[Status]

    override def apply(suite: Suite, args: Args): Status = {
      val status = new StatefulStatus
      statuses.add(status)
      threads.execute { () =>
        suite.run(None, args).whenCompleted { outcome =>
          if (outcome != Success(true)) status.setFailed()
          status.setCompleted()
        }
      }
      status
    }

    def await(): Unit = statuses.forEach(_.waitUntilCompleted())

    def close(): Unit = {
      threads.shutdown()
      threads.awaitTermination(1, TimeUnit.HOURS)
    }
  }
}
