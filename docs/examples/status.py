"""Prints whether silence means a quiet market. Needs aiokafka and orjson, nothing of the engine."""

import asyncio
import os
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer

DEAD_SECONDS = 20  # a status comes every five seconds
LATE_MS = 30_000


def judge(status: dict[str, Any] | None) -> str:
    if status is None:
        return "dead: nobody detects on the market"
    if status.get("behind_ms") is None:
        return "blind: nothing is decided yet"
    if status["behind_ms"] <= LATE_MS:
        return "alive: silence is a quiet market"
    if status.get("waiting_partitions"):
        return "late: alerts of the market wait for partitions that say nothing"
    if status.get("behind_records"):
        return "late: detection is behind the log"
    return "blind: nothing reaches detection"


async def main() -> None:
    consumer = AIOKafkaConsumer(
        os.environ.get("STATUS_TOPIC", "liquidations.status"),
        bootstrap_servers=os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092"),
        isolation_level="read_committed",
        auto_offset_reset="latest",  # and no group: what was true before is of no use
    )
    await consumer.start()
    verdict = ""
    try:
        while True:
            fetched = await consumer.getmany(timeout_ms=DEAD_SECONDS * 1000)
            records = [record for batch in fetched.values() for record in batch]
            latest = judge(orjson.loads(records[-1].value) if records else None)
            if latest != verdict:
                verdict = latest
                print(verdict)
    finally:
        await consumer.stop()


if __name__ == "__main__":
    asyncio.run(main())
