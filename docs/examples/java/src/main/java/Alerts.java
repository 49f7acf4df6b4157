import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Prints every cascade alert once. Needs kafka-clients and Jackson, nothing of the engine. */
public final class Alerts {
  private static final int MAX_IDS = 10_000;
  private static final ObjectMapper JSON = new ObjectMapper();

  /** The newest ids. Delivery is at least once; alert_id is the same for the same alert. */
  private static final Map<String, Boolean> SEEN =
      new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
          return size() > MAX_IDS;
        }
      };

  public static void main(String[] arguments) throws Exception {
    Properties options = new Properties();
    options.put("bootstrap.servers", setting("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092"));
    options.put("group.id", "alert-printer-java");
    options.put("auto.offset.reset", "earliest");
    options.put("isolation.level", "read_committed");
    var bytes = new ByteArrayDeserializer();
    try (var consumer = new KafkaConsumer<>(options, bytes, bytes)) {
      Thread main = Thread.currentThread();
      Runtime.getRuntime().addShutdownHook(new Thread(() -> end(consumer, main)));
      consumer.subscribe(List.of(setting("ALERTS_TOPIC", "liquidations.cascades")));
      while (true) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
          print(record);
        }
      }
    } catch (WakeupException stopped) {
      // SIGTERM: close() leaves the group.
    }
  }

  private static void print(ConsumerRecord<byte[], byte[]> record) throws Exception {
    JsonNode alert = JSON.readTree(record.value());
    if (SEEN.put(alert.get("alert_id").textValue(), true) != null) {
      return;
    }
    // Decimals are strings, and headers say what a record is about without parsing it.
    BigDecimal dollars = new BigDecimal(alert.get("total_value_usd").textValue());
    Header level = record.headers().lastHeader("ce_level");
    System.out.println(
        String.join(
            " ",
            alert.get("type").textValue(),
            alert.get("asset").textValue(),
            alert.get("side").textValue(),
            dollars.toPlainString(),
            level == null ? "" : new String(level.value(), StandardCharsets.UTF_8)));
  }

  private static void end(KafkaConsumer<?, ?> consumer, Thread main) {
    consumer.wakeup();
    try {
      main.join(10_000);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static String setting(String name, String fallback) {
    String value = System.getenv(name);
    return value == null || value.isEmpty() ? fallback : value;
  }
}
