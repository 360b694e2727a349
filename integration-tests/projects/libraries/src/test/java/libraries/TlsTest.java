package libraries;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.hackleak.Held;
import dev.hackleak.junit.NoLeaks;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import io.netty.util.ReferenceCountUtil;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/** netty-tcnative: C. A client and a server in one JVM shake hands and say one thing. */
@NoLeaks
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class TlsTest {
  private static final List<Object> KEPT = new ArrayList<>();
  private static final char[] PASSWORD = "password".toCharArray();
  private static final byte[] GREETING = "hello".getBytes();

  @TempDir static Path folder;

  private static KeyManagerFactory keys;

  @BeforeAll
  static void setUp() throws Exception {
    keys = newKeys();
  }

  /** The library's first use: nothing has warmed it up. */
  @Test
  @Order(1)
  void released() throws Exception {
    Use.repeat(100, TlsTest::use);
  }

  @Test
  @NoLeaks(held = Held.FAIL)
  void contextNotReleased() throws Exception {
    for (int i = 0; i < 10; i++) {
      KEPT.add(client());
    }
  }

  @Test
  @NoLeaks(held = Held.FAIL)
  void engineNotReleased() throws Exception {
    SslContext context = client();
    for (int i = 0; i < 10; i++) {
      KEPT.add(context.newEngine(UnpooledByteBufAllocator.DEFAULT));
    }
    ReferenceCountUtil.release(context);
  }

  @Test
  @NoLeaks(held = Held.FAIL)
  void bufferNotReleased() {
    for (int i = 0; i < 10; i++) {
      ByteBuf buffer = UnpooledByteBufAllocator.DEFAULT.directBuffer(10_007);
      buffer.writeInt(i);
      KEPT.add(buffer);
    }
  }

  static void use() throws Exception {
    SslContext serverContext =
        SslContextBuilder.forServer(keys).sslProvider(SslProvider.OPENSSL_REFCNT).build();
    SslContext clientContext = client();
    SSLEngine server = serverContext.newEngine(UnpooledByteBufAllocator.DEFAULT);
    SSLEngine client = clientContext.newEngine(UnpooledByteBufAllocator.DEFAULT);
    try {
      assertArrayEquals(GREETING, new TlsPair(client, server).send(GREETING));
    } finally {
      List.of(client, server, clientContext, serverContext).forEach(ReferenceCountUtil::release);
    }
  }

  private static SslContext client() throws SSLException {
    return SslContextBuilder.forClient()
        .sslProvider(SslProvider.OPENSSL_REFCNT)
        .trustManager(InsecureTrustManagerFactory.INSTANCE)
        .endpointIdentificationAlgorithm(null)
        .build();
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
