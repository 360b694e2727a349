package dev.hackleak.scalatest

import dev.hackleak.SimulatedRecording
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.scalatest.Suite
import org.scalatest.featurespec.AnyFeatureSpec
import org.scalatest.flatspec.AnyFlatSpec
import org.scalatest.freespec.AnyFreeSpec
import org.scalatest.funspec.AnyFunSpec
import org.scalatest.funsuite.{AnyFunSuite, AsyncFunSuite}
import org.scalatest.propspec.AnyPropSpec
import org.scalatest.wordspec.AnyWordSpec

/** The names of tests in reports have all that a test is part of, whatever the style. */
class NamesTest {
  @Test
  def theyAreWholeInEachStyle(): Unit = {
    assertEquals("InFunSuite > closes", nameIn(new InFunSuite))
    assertEquals("InAsyncFunSuite > closes", nameIn(new InAsyncFunSuite))
    assertEquals("InPropSpec > closes", nameIn(new InPropSpec))
    assertEquals("InFunSpec > a store > when open > closes", nameIn(new InFunSpec))
    assertEquals("InFreeSpec > a store > when open > closes", nameIn(new InFreeSpec))
    assertEquals("InFlatSpec > a store > should close", nameIn(new InFlatSpec))
    assertEquals("InWordSpec > a store when > open should > close", nameIn(new InWordSpec))
    assertEquals(
      "InFeatureSpec > Feature: a store > Scenario: it closes",
      nameIn(new InFeatureSpec)
    )
    // A class inside of another one goes by both for ScalaTest.
    assertEquals("NamesTest$Inner > closes", nameIn(new NamesTest.Inner))
    assertEquals("a name of its own > closes", nameIn(new WithName))
  }

  private def nameIn(suite: => Suite): String = {
    val active = SimulatedRecording.active()
    val ran = Ran.in(active)(suite, None)
    assertEquals(true, ran.passes.get, ran.outcomes)
    String.join("; ", active.asserted)
  }
}

object NamesTest {
  class Inner extends AnyFunSuite with NoLeaks {
    test("closes") {}
  }
}

class InFunSuite extends AnyFunSuite with NoLeaks {
  test("closes") {}
}

class InAsyncFunSuite extends AsyncFunSuite with NoLeaks {
  test("closes") {
    succeed
  }
}

class InPropSpec extends AnyPropSpec with NoLeaks {
  property("closes") {}
}

class InFunSpec extends AnyFunSpec with NoLeaks {
  describe("a store") {
    describe("when open") {
      it("closes") {}
    }
  }
}

class InFreeSpec extends AnyFreeSpec with NoLeaks {
  "a store" - {
    "when open" - {
      "closes" in {}
    }
  }
}

class InFlatSpec extends AnyFlatSpec with NoLeaks {
  behavior of "a store"

  it should "close" in {}
}

class InWordSpec extends AnyWordSpec with NoLeaks {
  "a store" when {
    "open" should {
      "close" in {}
    }
  }
}

class InFeatureSpec extends AnyFeatureSpec with NoLeaks {
  Feature("a store") {
    Scenario("it closes") {}
  }
}

class WithName extends AnyFunSuite with NoLeaks {
  override def suiteName: String = "a name of its own"

  test("closes") {}
}
