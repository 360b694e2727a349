package example

import dev.hackleak.scalatest.NoLeaks
import org.scalatest.funsuite.AnyFunSuite

class BufferSuite extends AnyFunSuite with NoLeaks {
  test("clean") {
    new NativeBuffer().close()
  }

  test("leaks") {
    new NativeBuffer()
  }

  test("canceled") {
    new NativeBuffer()
    assume(false, "mine")
  }

  test("failed") {
    new NativeBuffer()
    fail("mine")
  }

  test("unfinished") {
    new NativeBuffer()
    pending
  }
}
