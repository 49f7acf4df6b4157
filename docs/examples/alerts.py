"""Prints every cascade alert once. Needs aiokafka and orjson, nothing of the engine."""

import asyncio
import os

import orjson
from aiokafka import AIOKafkaConsumer


async def main() -> None:
    consumer = AIOKafkaConsumer(
        os.environ.get("ALERTS_TOPIC", "liquidations.cascades"),
        bootstrap_servers=os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092"),
        group_id="alert-printer",
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    seen: set[str] = set()  # delivery is at least once; alert_id is the same for the same alert
    await consumer.start()
    try:
        async for record in consumer:
            alert = orjson.loads(record.value)
            if alert["alert_id"] not in seen:
                seen.add(alert["alert_id"])
                print(alert["type"], alert["asset"], alert["side"], alert["total_value_usd"])
    finally:
        await consumer.stop()


asyncio.run(main())
