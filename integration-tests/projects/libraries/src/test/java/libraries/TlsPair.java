package libraries;

import java.nio.ByteBuffer;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;

/** Two TLS engines that talk through two byte buffers instead of a network. */
final class TlsPair {
  private static final int RECORD = 1 << 16;

  private final SSLEngine client;
  private final SSLEngine server;
  private final ByteBuffer toServer = ByteBuffer.allocate(RECORD);
  private final ByteBuffer toClient = ByteBuffer.allocate(RECORD);

  TlsPair(SSLEngine client, SSLEngine server) throws SSLException {
    this.client = client;
    this.server = server;
    client.beginHandshake();
    server.beginHandshake();
  }

  /** What the server received when the client, after the handshake, sent the plain text. */
  byte[] send(byte[] plain) throws SSLException {
    ByteBuffer source = ByteBuffer.wrap(plain);
    ByteBuffer received = ByteBuffer.allocate(RECORD);
    for (int round = 0; round < 100 && received.position() < plain.length; round++) {
      wrap(client, source, toServer);
      unwrap(server, toServer, received);
      wrap(server, ByteBuffer.allocate(0), toClient);
      unwrap(client, toClient, ByteBuffer.allocate(RECORD));
    }
    byte[] result = new byte[received.flip().remaining()];
    received.get(result);
    return result;
  }

  private static void wrap(SSLEngine engine, ByteBuffer from, ByteBuffer to) throws SSLException {
    runTasks(engine);
    while (engine.wrap(from, to).bytesProduced() > 0) {
      runTasks(engine);
    }
  }

  private static void unwrap(SSLEngine engine, ByteBuffer from, ByteBuffer to) throws SSLException {
    from.flip();
    while (from.hasRemaining() && engine.unwrap(from, to).bytesConsumed() > 0) {
      runTasks(engine);
    }
    from.compact();
  }

  private static void runTasks(SSLEngine engine) {
    while (engine.getHandshakeStatus() == HandshakeStatus.NEED_TASK) {
      engine.getDelegatedTask().run();
    }
  }
}
