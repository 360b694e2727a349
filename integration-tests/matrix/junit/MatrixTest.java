import static org.junit.jupiter.api.Assertions.assertNotEquals;

import org.junit.jupiter.api.Test;

/** Two tests of a suite that knows nothing of the recorder: JUnit finds its extension by itself. */
class MatrixTest {
  static {
    System.load(System.getProperty("matrix.library"));
  }

  @Test
  void forgets() {
    assertNotEquals(0, Matrix.make(1_999_993)); // here: forgets
  }

  @Test
  void frees() {
    Matrix.free(Matrix.make(1_999_979));
  }
}
