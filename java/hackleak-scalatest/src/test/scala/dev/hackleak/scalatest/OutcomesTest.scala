package dev.hackleak.scalatest

import dev.hackleak.{LeakCheck, LeakError, LimitError, SimulatedRecording}
import org.junit.jupiter.api.Assertions.{assertEquals, assertTrue}
import org.junit.jupiter.api.Test
import org.scalatest.{BeforeAndAfterEach, OneInstancePerTest, Suites}
import org.scalatest.funsuite.{AnyFunSuite, FixtureAnyFunSuite}

/** A leak is the outcome of tests that pass; those that ended otherwise have an outcome already. */
class OutcomesTest {
  import OutcomesTest._

  @Test
  def whatTheTestItselfThrowsStays(): Unit = {
    val ran = Ran(new EachOutcome)
    assertEquals(
      "canceled=canceled TestCanceledException + 1; clean=passed;" +
        " failed=failed IllegalStateException + 1; ignored=ignored; leaks=failed LeakError + 0;" +
        " pending=pending",
      ran.outcomes
    )
    assertEquals(false, ran.passes.get)
    assertEquals(5, ran.started)
  }

  @Test
  def aSuiteOfTestsThatPassPasses(): Unit = assertEquals(true, Ran(new Clean).passes.get)

  @Test
  def aLeakIsToldAsScalaTestTellsFailures(): Unit = {
    val leaked = Ran(new EachOutcome).failures.filter(_.testName == "leaks").head
    val failed = Ran(new Fails).failures.head
    assertTrue(leaked.message.contains("1,999,993 bytes leaked"), leaked.message)
    assertEquals(leaked.throwable.get.getMessage, leaked.message)
    assertEquals(failed.location, leaked.location)
    assertEquals(failed.formatter, leaked.formatter)
    assertEquals(failed.suiteName.replace("Fails", "EachOutcome"), leaked.suiteName)
    assertTrue(leaked.ordinal.runStamp == failed.ordinal.runStamp)
  }

  @Test
  def fixturesThatAreMixedInBeforeAreInside(): Unit =
    assertEquals(
      "closes what the test opened=passed; opens too much=failed LeakError + 0",
      Ran(new FixturesInside).outcomes
    )

  @Test
  def fixturesThatAreMixedInAfterAreOutside(): Unit =
    assertEquals("needs the fixtures=failed LeakError + 0", Ran(new FixturesOutside).outcomes)

  @Test
  def whatAFixtureThrowsStillAbortsTheSuite(): Unit = {
    val ran = Ran(new FixtureThrows)
    assertEquals("test=passed", ran.outcomes)
    val thrown = ran.passes.failed.get
    assertEquals("mine", thrown.getMessage)
    assertEquals(1, thrown.getSuppressed.count(_.isInstanceOf[LeakError]))
  }

  @Test
  def whatAFixtureThrowsBeforeTheTestAbortsTheSuite(): Unit =
    try {
      Ran(new FixtureThrowsBefore)
      throw new IllegalArgumentException("it was not aborted")
    } catch {
      case thrown: IllegalStateException =>
        assertEquals("mine", thrown.getMessage)
        assertEquals(1, thrown.getSuppressed.count(_.isInstanceOf[LeakError]))
    }

  @Test
  def testsWithAFixtureParameterAreChecked(): Unit =
    assertEquals("clean=passed; leaks=failed LeakError + 0", Ran(new WithParameter).outcomes)

  @Test
  def nestedSuitesThatHaveTheTraitAreChecked(): Unit =
    assertEquals(
      "clean=passed; leaks=failed LeakError + 0; unchecked=passed",
      Ran(new Nested).outcomes
    )

  @Test
  def theCheckOfTheSuiteCounts(): Unit = {
    val ran = Ran(new Limited)
    assertEquals("allocates twice=failed LimitError + 0; leaks=passed", ran.outcomes)
    assertTrue(ran.failures.head.throwable.get.isInstanceOf[LimitError])
  }

  @Test
  def anInstanceEndsWithItsTestAndOneForAllDoesNot(): Unit = {
    val active = SimulatedRecording.active()
    active.reachable()
    Ran.in(active)(new OneEach, None)
    assertEquals(1, active.finished.size)
    assertTrue(active.finished.get(0).isInstanceOf[OneEach])
    val other = SimulatedRecording.active()
    other.reachable()
    Ran.in(other)(new Leaky, None)
    assertEquals(0, other.finished.size)
  }

  @Test
  def theConstructorOfAnInstanceLiesOutside(): Unit =
    assertEquals("clean=passed", Ran(new MadeOnce).outcomes)

  @Test
  def unrecordedTestsPassUnlessRequired(): Unit = {
    def unrecorded = SimulatedRecording.inactive("nobody preloaded it")
    assertEquals("clean=passed", Ran.in(unrecorded)(new Clean, None).outcomes)
    System.setProperty("hackleak.required", "true")
    try {
      Ran.in(unrecorded)(new Clean, None)
      throw new IllegalArgumentException("it was not aborted")
    } catch {
      case required: IllegalStateException =>
        assertTrue(required.getMessage.contains("nobody preloaded it"), required.getMessage)
    } finally System.clearProperty("hackleak.required")
  }
}

object OutcomesTest {
  import Ran.{free, leak}

  trait Unsettled extends NoLeaks { this: org.scalatest.Suite =>
    override protected def leakCheck: LeakCheck = LeakCheck.standard().settling(false)
  }

  class EachOutcome extends AnyFunSuite with Unsettled {
    test("clean") {
      leak()
      free()
    }

    test("leaks") {
      leak()
    }

    test("failed") {
      leak()
      throw new IllegalStateException("mine")
    }

    test("canceled") {
      leak()
      cancel("mine")
    }

    test("pending") {
      leak()
      pending
    }

    ignore("ignored") {
      leak()
    }
  }

  class Clean extends AnyFunSuite with Unsettled {
    test("clean") {}
  }

  class Leaky extends AnyFunSuite with Unsettled {
    test("leaks") {
      leak()
    }
  }

  class Fails extends AnyFunSuite with Unsettled {
    test("leaks") {
      fail("mine")
    }
  }

  class FixturesInside extends AnyFunSuite with BeforeAndAfterEach with Unsettled {
    override protected def beforeEach(): Unit = leak()

    override protected def afterEach(): Unit = {
      free()
      free()
    }

    test("closes what the test opened") {
      leak()
    }

    test("opens too much") {
      leak()
      leak()
    }
  }

  class FixturesOutside extends AnyFunSuite with Unsettled with BeforeAndAfterEach {
    override protected def beforeEach(): Unit = leak()

    override protected def afterEach(): Unit = {
      free()
      free()
    }

    test("needs the fixtures") {
      leak()
    }
  }

  class FixtureThrows extends AnyFunSuite with BeforeAndAfterEach with Unsettled {
    override protected def afterEach(): Unit = throw new IllegalStateException("mine")

    test("test") {
      leak()
    }
  }

  class FixtureThrowsBefore extends AnyFunSuite with BeforeAndAfterEach with Unsettled {
    override protected def beforeEach(): Unit = {
      leak()
      throw new IllegalStateException("mine")
    }

    test("test") {}
  }

  class WithParameter extends FixtureAnyFunSuite with Unsettled {
    type FixtureParam = String

    override protected def withFixture(test: OneArgTest): org.scalatest.Outcome = test("given")

    test("clean") { given => assert(given == "given") }

    test("leaks") { given => leak() }
  }

  class Unchecked extends AnyFunSuite {
    test("unchecked") {
      leak()
    }
  }

  class Nested extends Suites(new Clean, new Leaky, new Unchecked)

  class Limited extends AnyFunSuite with NoLeaks {
    override protected def leakCheck: LeakCheck = LeakCheck.ofLimits().allocations(1)

    test("leaks") {
      leak()
    }

    test("allocates twice") {
      leak()
      leak()
    }
  }

  class MadeOnce extends AnyFunSuite with OneInstancePerTest with Unsettled {
    leak()

    test("clean") {}
  }

  class OneEach extends AnyFunSuite with OneInstancePerTest with Unsettled {
    test("leaks") {
      leak()
    }
  }
}
