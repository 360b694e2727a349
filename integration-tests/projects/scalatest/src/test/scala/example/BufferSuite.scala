package example

import org.scalatest.funsuite.AnyFunSuite

class BufferSuite extends AnyFunSuite with NoLeaks {
  test("clean") {
    new NativeBuffer().close()
  }

  test("leaks") {
    new NativeBuffer()
  }
}
