"""Opening and closing of a live run's publisher, and the error where Kafka does not acknowledge."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiokafka.errors import KafkaError

from liq.producers.live.clock import Clock
from liq.producers.live.publisher import Producers, Publisher
from liq.producers.live.session_end import describe_error
from liq.runtime.errors import DependencyError
from liq.runtime.kafka import LINGER_MS, new_producer
from liq.runtime.kafka_refusal import why_refused
from liq.runtime.settings import Settings

CLIENT_ID: Final = "produce"
CLOSE_SECONDS: Final = 2.0


@asynccontextmanager
async def open_publisher(
    settings: Settings, clock: Clock, *, linger_ms: int = LINGER_MS
) -> AsyncIterator[Publisher]:
    """Start the Kafka producers, yield a publisher, and stop the producers.

    Raises:
        DependencyError: Kafka does not answer, or did not acknowledge a record.
    """
    name = f"{CLIENT_ID}-{settings.worker_slot}"
    topics = settings.topics
    producers = Producers(
        frames=new_producer(settings, name, linger_ms=linger_ms),
        feeds=new_producer(
            settings,
            f"{name}-feeds",
            linger_ms=linger_ms,
            compression=topics.compression(topics.feeds),
        ),
    )
    try:
        try:
            for producer in producers:
                await producer.start()
            yield Publisher(
                producers,
                topics,
                clock,
                settings.worker_slot,
                settings.produce_acknowledge_seconds,
            )
        finally:
            # `stop` waits for unacknowledged records without a limit of its own.
            stops = [asyncio.create_task(each.stop()) for each in producers]
            stopped, _ = await asyncio.wait(stops, timeout=CLOSE_SECONDS)
            for stopping in stopped:
                stopping.result()
    except KafkaError as error:
        raise unacknowledged(settings, error) from error


def unacknowledged(settings: Settings, error: BaseException) -> DependencyError:
    """Return the error that ends a run where Kafka does not acknowledge a record."""
    return why_refused(settings, error) or DependencyError(
        f"Kafka at {settings.kafka_bootstrap_servers} did not acknowledge a record "
        f"({describe_error(error)}); start again when it answers: the gap will be recorded."
    )
