package example

import dev.hackleak.scalatest.NoLeaks
import org.scalatest.ParallelTestExecution
import org.scalatest.freespec.AnyFreeSpec

/** Each test has an instance, which ends with it. */
class OneEachSpec extends AnyFreeSpec with NoLeaks with ParallelTestExecution {
  private var held: NativeBuffer = null

  "an instance" - {
    "holds nothing for long" in {
      held = new NativeBuffer()
    }

    "may hold what is closed" in {
      held = new NativeBuffer()
      held.close()
    }
  }
}
