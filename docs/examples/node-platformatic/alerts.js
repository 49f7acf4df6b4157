// Prints every cascade alert once. Needs @platformatic/kafka, nothing of the engine.
import { Consumer, jsonDeserializer, stringDeserializer } from '@platformatic/kafka';

const MAX_IDS = 10_000;
const READ_COMMITTED = 1;
const seen = new Set();

// Delivery is at least once; alert_id is the same for the same alert.
function isNew(id) {
  if (seen.has(id)) return false;
  seen.add(id);
  if (seen.size > MAX_IDS) seen.delete(seen.values().next().value);
  return true;
}

const consumer = new Consumer({
  clientId: 'alert-printer',
  groupId: 'alert-printer-platformatic',
  bootstrapBrokers: (process.env.KAFKA_BOOTSTRAP_SERVERS ?? '127.0.0.1:9092').split(','),
  isolationLevel: READ_COMMITTED,
  deserializers: {
    key: stringDeserializer,
    value: jsonDeserializer,
    headerKey: stringDeserializer,
    headerValue: stringDeserializer,
  },
});
const stream = await consumer.consume({
  topics: [process.env.ALERTS_TOPIC ?? 'liquidations.cascades'],
  mode: 'committed',
  fallbackMode: 'earliest',
  autocommit: true,
});
process.once('SIGTERM', () => stream.close());

for await (const { value: alert, headers } of stream) {
  if (!isNew(alert.alert_id)) continue;
  // Headers say what a record is about, so that a router need not parse it. Decimals are strings:
  // a JavaScript number would lose digits.
  const level = headers.get('ce_level') ?? '';
  console.log(alert.type, alert.asset, alert.side, alert.total_value_usd, level);
}
await consumer.close();
