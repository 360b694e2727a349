package example

import dev.hackleak.{Held, LeakCheck}
import dev.hackleak.scalatest.NoLeaks
import org.scalatest.funsuite.AnyFunSuite
import scala.collection.mutable.ListBuffer

object GrowingSuite {
  private val kept = new ListBuffer[NativeBuffer]
}

/** No test leaks, but the list only grows. */
class GrowingSuite extends AnyFunSuite with NoLeaks {
  override protected def leakCheck: LeakCheck = LeakCheck.ofTests().held(Held.NOTE)

  for (number <- 1 to 5) {
    test(s"adds number $number") {
      GrowingSuite.kept += new NativeBuffer()
    }
  }
}
