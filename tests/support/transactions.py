"""Transactions of other programs on Kafka."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer

from liq.runtime.kafka import connection_options
from liq.runtime.settings import Settings


@asynccontextmanager
async def transactional(settings: Settings, name: str) -> AsyncIterator[AIOKafkaProducer]:
    """Start a transactional producer; `name` is the test's part of the transactional id."""
    producer = AIOKafkaProducer(
        transactional_id=f"{settings.topic_namespace}-{name}", **connection_options(settings)
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()
