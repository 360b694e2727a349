package reported;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.hackleak.junit.NoLeaks;
import io.netty.handler.codec.quic.QuicSslContext;
import io.netty.handler.codec.quic.QuicSslContextBuilder;
import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** netty-codec-native-quic: C. A context is freed by its finalizer, there is no other way. */
@NoLeaks
class QuicTest {
  private static final char[] PASSWORD = "password".toCharArray();

  @TempDir static Path folder;

  private static KeyManagerFactory keys;

  @BeforeAll
  static void setUp() throws Exception {
    keys = newKeys();
  }

  /** netty/netty#16480: a server's context never deletes one of its global references. */
  @Test
  void serverContexts() {
    for (int i = 0; i < 10; i++) {
      QuicSslContext context = QuicSslContextBuilder.forServer(keys, null).build();
      assertEquals(List.of(), context.applicationProtocolNegotiator().protocols());
    }
  }

  /** netty/netty#16481: the names of the protocols are never freed. */
  @Test
  void protocols() {
    for (int i = 0; i < 10; i++) {
      QuicSslContext context =
          QuicSslContextBuilder.forClient()
              .trustManager(InsecureTrustManagerFactory.INSTANCE)
              .applicationProtocols("h3")
              .build();
      assertEquals(List.of("h3"), context.applicationProtocolNegotiator().protocols());
    }
  }

  private static KeyManagerFactory newKeys() throws Exception {
    Path store = folder.resolve("server.p12");
    ProcessBuilder keytool =
        new ProcessBuilder(
            System.getProperty("java.home") + "/bin/keytool",
            "-genkeypair",
            "-keyalg",
            "EC",
            "-dname",
            "CN=localhost",
            "-storetype",
            "PKCS12",
            "-storepass",
            new String(PASSWORD),
            "-keystore",
            store.toString());
    keytool.environment().remove("LD_PRELOAD");
    assertEquals(0, keytool.inheritIO().start().waitFor());
    KeyStore keyStore = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(store)) {
      keyStore.load(in, PASSWORD);
    }
    KeyManagerFactory factory =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    factory.init(keyStore, PASSWORD);
    return factory;
  }
}
