package reported;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.hackleak.junit.NoLeaks;
import java.nio.file.Path;
import java.util.Properties;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Kafka Streams: Java; its state stores are RocksDB's. */
@NoLeaks
class KafkaStreamsTest {
  private static final String STORE = "store";

  @TempDir static Path folder;

  /** KAFKA-20616: each store leaks the options of its column family of offsets. */
  @Test
  void storeClosed() {
    Topology topology = new Topology();
    topology.addSource("source", new ByteArrayDeserializer(), new ByteArrayDeserializer(), "topic");
    topology.addProcessor("processor", Nothing::new, "source");
    topology.addStateStore(
        Stores.keyValueStoreBuilder(
            Stores.persistentKeyValueStore(STORE), Serdes.String(), Serdes.String()),
        "processor");
    for (int i = 0; i < 10; i++) {
      try (TopologyTestDriver driver = new TopologyTestDriver(topology, properties())) {
        KeyValueStore<String, String> store = driver.getKeyValueStore(STORE);
        store.put("who", "Kafka");
        assertEquals("Kafka", store.get("who"));
      }
    }
  }

  private static Properties properties() {
    Properties properties = new Properties();
    properties.put(StreamsConfig.APPLICATION_ID_CONFIG, "reported");
    properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "nobody:9092");
    properties.put(StreamsConfig.STATE_DIR_CONFIG, folder.toString());
    return properties;
  }

  private static final class Nothing extends ContextualProcessor<byte[], byte[], Void, Void> {
    @Override
    public void process(Record<byte[], byte[]> record) {}
  }
}
