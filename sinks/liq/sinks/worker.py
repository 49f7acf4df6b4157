"""A sink worker: one destination, one consumer group, one loop between them."""

import asyncio
from typing import Final

from aiokafka.errors import KafkaError

from liq.runtime.beating import beating, reporting
from liq.runtime.errors import DependencyError
from liq.runtime.health import Health
from liq.runtime.kafka import new_consumer, start_consumer, stop_consumer
from liq.runtime.kafka_refusal import why_refused
from liq.runtime.settings import Settings
from liq.runtime.stall import ProgressReport
from liq.sinks.assignments import CONDITION
from liq.sinks.attempts import Attempts
from liq.sinks.destination import Destination
from liq.sinks.exclusive import ExclusiveAssignor
from liq.sinks.loop import POLL_SECONDS, SinkLoop

#: A consumer discovers new partitions when it refreshes its metadata, by default in five minutes.
METADATA_AGE_MS: Final = 10_000


async def run(
    settings: Settings, health: Health, stop: asyncio.Event, destination: Destination
) -> None:
    """Load a destination until `stop` is set; then store the buffered records, commit and return.

    Raises:
        ConfigurationError: the destination is not set up, or it refuses too many records.
        DependencyError: Kafka cannot be reached or rejects this client.
    """
    health.require(CONDITION, "not connected yet")
    attempts = Attempts(destination, health)
    async with beating(health):
        try:
            opening = asyncio.create_task(attempts.until_success(destination.open))
            if await _finished(opening, stop):
                await _consume(settings, health, stop, destination, attempts)
        finally:
            await destination.close()


async def _finished(task: asyncio.Task[None], stop: asyncio.Event) -> bool:
    """Wait for a task; return False if the worker was stopped first."""
    while not task.done() and not stop.is_set():
        await asyncio.wait({task}, timeout=POLL_SECONDS)
    if task.done():
        task.result()
        return True
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return False


async def _consume(
    settings: Settings,
    health: Health,
    stop: asyncio.Event,
    destination: Destination,
    attempts: Attempts,
) -> None:
    intake = destination.intake
    options = {"partition_assignment_strategy": (ExclusiveAssignor,)} if intake.is_exclusive else {}
    consumer = new_consumer(
        settings,
        group=settings.group(intake.stage),
        metadata_max_age_ms=METADATA_AGE_MS,
        **options,
    )
    loop = SinkLoop(settings, health, consumer, destination, attempts)
    consumer.subscribe(list(intake.topics), listener=loop.assignments)
    progress = ProgressReport(health, f"the topics of {intake.name}")
    try:
        await start_consumer(settings, consumer)
        async with reporting(lambda: progress.note(loop.lag)):
            await loop.run(stop)
    except KafkaError as error:
        raise why_refused(settings, error) or DependencyError(
            f"Kafka at {settings.kafka_bootstrap_servers} failed ({error!r}); check "
            "KAFKA_BOOTSTRAP_SERVERS, the credentials, and that `liq topics` has run."
        ) from error
    finally:
        await stop_consumer(consumer)
