package example

import dev.hackleak.LeakCheck
import dev.hackleak.scalatest.NoLeaks
import org.scalatest.BeforeAndAfterEach
import org.scalatest.flatspec.AnyFlatSpec

class FixtureSpec extends AnyFlatSpec with BeforeAndAfterEach with NoLeaks {
  override protected def leakCheck: LeakCheck = LeakCheck.ofTests().allowingBytes(64)

  private var opened: NativeBuffer = null

  override protected def beforeEach(): Unit = opened = new NativeBuffer()

  override protected def afterEach(): Unit = opened.close()

  "a test" should "pass with what the fixture closes" in {
    opened.close()
    opened = new NativeBuffer()
  }

  it should "fail with what it forgets" in {
    opened = new NativeBuffer()
  }
}
