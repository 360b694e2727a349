package example

import dev.hackleak.scalatest.NoLeaks
import org.scalatest.wordspec.AsyncWordSpec
import scala.concurrent.{ExecutionContext, Future}

/** Futures that work on other threads. */
class LaterSpec extends AsyncWordSpec with NoLeaks {
  override implicit def executionContext: ExecutionContext = ExecutionContext.global

  "a future" should {
    "pass when it has closed its buffer" in {
      Future(new NativeBuffer()).map { buffer =>
        buffer.close()
        succeed
      }
    }

    "fail when it leaks later" in {
      Future(()).map { _ =>
        new NativeBuffer()
        succeed
      }
    }
  }
}
