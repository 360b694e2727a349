package dev.hackleak.scalatest

import dev.hackleak.LeakCheck
import java.util.concurrent.{CyclicBarrier, Executors}
import java.util.concurrent.atomic.AtomicInteger
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.scalatest.{Assertion, BeforeAndAfterEach, ParallelTestExecution, Suites}
import org.scalatest.funsuite.{AnyFunSuite, AsyncFunSuite}
import scala.concurrent.{ExecutionContext, Future}

/** Tests whose futures complete later, on this thread or another one, and tests in parallel. */
class AsyncAndParallelTest {
  import AsyncAndParallelTest._

  @Test
  def aFutureIsCheckedWhenItHasCompleted(): Unit = {
    val expected = "canceled=canceled TestCanceledException + 1; clean=passed;" +
      " failed=failed TestFailedException + 1; leaks in the test=failed LeakError + 0;" +
      " leaks later=failed LeakError + 0; pending=pending"
    val onThisThread = Ran(new OnThisThread)
    assertEquals(expected, onThisThread.outcomes)
    assertEquals(false, onThisThread.passes.get)
    val onAnother = Ran(new OnAnotherThread)
    assertEquals(expected, onAnother.outcomes)
    assertEquals(false, onAnother.passes.get)
  }

  @Test
  def fixturesOfAFutureAreInside(): Unit = {
    val ran = Ran(new WithFixtures)
    assertEquals("closes what the test opened=passed", ran.outcomes)
    assertEquals(true, ran.passes.get)
  }

  @Test
  def theNextSuiteBeginsWhenTheFuturesOfOneHaveCompleted(): Unit = {
    running.set(0)
    val ran = Ran(new Suites(new Alone, new Alone))
    assertEquals("runs alone=passed; runs alone=passed", ran.outcomes)
  }

  @Test
  def testsInParallelAnswerForTheirOwnThread(): Unit = {
    val ran = Ran.parallel(new Together)
    assertEquals("clean=passed; leaks=failed LeakError + 0", ran.outcomes)
    assertEquals(2, ran.started)
  }

  @Test
  def asyncTestsInParallelAnswerForTheirOwnThread(): Unit =
    assertEquals(
      "clean=passed; leaks=failed LeakError + 0",
      Ran.parallel(new TogetherAsync).outcomes
    )
}

object AsyncAndParallelTest {
  import Ran.{free, leak}

  private val others = ExecutionContext.fromExecutor(Executors.newFixedThreadPool(2, { work =>
    val thread = new Thread(work)
    thread.setDaemon(true)
    thread
  }))

  abstract class Async extends AsyncFunSuite with NoLeaks {
    override protected def leakCheck: LeakCheck = LeakCheck.standard().settling(false)

    private def later(work: => Assertion): Future[Assertion] =
      Future(()).map(_ => work)

    test("clean") {
      leak()
      later {
        free()
        succeed
      }
    }

    test("leaks in the test") {
      leak()
      later(succeed)
    }

    test("leaks later") {
      later {
        leak()
        succeed
      }
    }

    test("failed") {
      later {
        leak()
        fail("mine")
      }
    }

    test("canceled") {
      later {
        leak()
        cancel("mine")
      }
    }

    test("pending") {
      later {
        leak()
        pending
      }
    }
  }

  class OnThisThread extends Async

  class OnAnotherThread extends Async {
    override implicit def executionContext: ExecutionContext = others
  }

  class WithFixtures extends AsyncFunSuite with BeforeAndAfterEach with NoLeaks {
    override implicit def executionContext: ExecutionContext = others

    override protected def afterEach(): Unit = free()

    test("closes what the test opened") {
      Future {
        leak()
        succeed
      }
    }
  }

  private val running = new AtomicInteger

  class Alone extends AsyncFunSuite with NoLeaks {
    override implicit def executionContext: ExecutionContext = others

    test("runs alone") {
      val before = running.getAndIncrement()
      Future {
        Thread.sleep(20)
        running.decrementAndGet()
        assert(before == 0)
      }
    }
  }

  private val barrier = new CyclicBarrier(2)

  class Together extends AnyFunSuite with NoLeaks with ParallelTestExecution {
    override protected def leakCheck: LeakCheck = LeakCheck.standard().settling(false)

    test("clean") {
      barrier.await()
      barrier.await()
    }

    test("leaks") {
      barrier.await()
      leak()
      barrier.await()
    }
  }

  class TogetherAsync extends AsyncFunSuite with NoLeaks with ParallelTestExecution {
    override protected def leakCheck: LeakCheck = LeakCheck.standard().settling(false)

    test("clean") {
      barrier.await()
      barrier.await()
      succeed
    }

    test("leaks") {
      barrier.await()
      leak()
      barrier.await()
      succeed
    }
  }
}
