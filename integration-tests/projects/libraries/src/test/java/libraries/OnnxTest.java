package libraries;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession.SessionOptions;
import ai.onnxruntime.OrtSession;
import dev.hackleak.junit.NoLeaks;
import java.util.HexFormat;
import java.util.Map;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** onnxruntime: C++ with a C interface and a JNI library in C. */
@NoLeaks
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class OnnxTest {
  /** The smallest model: y = -x for a vector of floats. */
  private static final byte[] MODEL =
      HexFormat.of()
          .parseHex(
              "08083a340a0b0a017812017922034e65671201675a100a0178120b0a09080112050a0312016e62100a0179120b0a09080112050a0312016e42040a00100d");

  private static final float[] INPUT = {1, 2, 4};

  /** The library's first use: nothing has warmed it up. */
  @Test
  @Order(1)
  void closed() throws Exception {
    Use.repeat(100, OnnxTest::use);
  }

  /** Without workers: a session that nobody closes is held by those of its own that have run. */
  @Test
  void sessionNotClosed() throws OrtException {
    try (SessionOptions options = new SessionOptions()) {
      options.setIntraOpNumThreads(1);
      for (int i = 0; i < 10; i++) {
        run(OrtEnvironment.getEnvironment().createSession(MODEL, options));
      }
    }
  }

  /** A leak of the library's own: nobody closes the default options that this creates. */
  @Test
  void sessionWithDefaultOptions() throws OrtException {
    for (int i = 0; i < 10; i++) {
      OrtEnvironment.getEnvironment().createSession(MODEL).close();
    }
  }

  @Test
  void tensorNotClosed() throws OrtException {
    for (int i = 0; i < 10; i++) {
      OnnxTensor.createTensor(OrtEnvironment.getEnvironment(), INPUT);
    }
  }

  static void use() throws OrtException {
    try (SessionOptions options = new SessionOptions();
        OrtSession session = OrtEnvironment.getEnvironment().createSession(MODEL, options)) {
      run(session);
    }
  }

  private static void run(OrtSession session) throws OrtException {
    try (OnnxTensor tensor = OnnxTensor.createTensor(OrtEnvironment.getEnvironment(), INPUT);
        OrtSession.Result result = session.run(Map.of("x", tensor))) {
      assertEquals(-4, ((float[]) result.get(0).getValue())[2]);
    }
  }
}
