package reported;

import dev.hackleak.junit.NoLeaks;
import io.netty.handler.ssl.OpenSsl;
import io.netty.internal.tcnative.CertificateVerifier;
import io.netty.internal.tcnative.SSL;
import io.netty.internal.tcnative.SSLContext;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** netty-tcnative: C. */
@NoLeaks
class TcnativeTest {
  @BeforeAll
  static void loadLibrary() {
    OpenSsl.ensureAvailability();
  }

  /** netty/netty-tcnative#967: a verifier that is taken away again is never released. */
  @Test
  void certVerifyCallbackCleared() throws Exception {
    CertificateVerifier verifier = new Trusting();
    for (int i = 0; i < 10; i++) {
      long context = SSLContext.make(SSL.SSL_PROTOCOL_TLSV1_2, SSL.SSL_MODE_CLIENT);
      SSLContext.setCertVerifyCallback(context, verifier);
      SSLContext.setCertVerifyCallback(context, null);
      SSLContext.free(context);
    }
  }

  private static final class Trusting extends CertificateVerifier {
    @Override
    public int verify(long ssl, byte[][] chain, String algorithm) {
      return X509_V_OK;
    }
  }
}
