// Prints every cascade alert once. Needs kafkajs, nothing of the engine.
import { Kafka, logLevel } from 'kafkajs';

const MAX_IDS = 10_000;
const seen = new Set();

// Delivery is at least once; alert_id is the same for the same alert.
function isNew(id) {
  if (seen.has(id)) return false;
  seen.add(id);
  if (seen.size > MAX_IDS) seen.delete(seen.values().next().value);
  return true;
}

const kafka = new Kafka({
  brokers: (process.env.KAFKA_BOOTSTRAP_SERVERS ?? '127.0.0.1:9092').split(','),
  logLevel: logLevel.ERROR,
});
const consumer = kafka.consumer({ groupId: 'alert-printer-kafkajs', readUncommitted: false });
process.once('SIGTERM', () => consumer.disconnect());

await consumer.connect();
await consumer.subscribe({
  topics: [process.env.ALERTS_TOPIC ?? 'liquidations.cascades'],
  fromBeginning: true,
});
await consumer.run({
  eachMessage: async ({ message }) => {
    // Headers say what a record is about, so that a router need not parse it.
    const level = message.headers.ce_level?.toString() ?? '';
    const alert = JSON.parse(message.value);
    if (!isNew(alert.alert_id)) return;
    // Decimals are strings: a JavaScript number would lose digits.
    console.log(alert.type, alert.asset, alert.side, alert.total_value_usd, level);
  },
});
