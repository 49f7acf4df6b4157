"""A run of the reference worker: independent tasks with one producer and one set of contracts."""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from liq.producers.reference import rates
from liq.producers.reference.known import KnownContracts
from liq.producers.reference.lister import ContractLister
from liq.producers.reference.parked import ParkedFrames
from liq.producers.reference.sources import ContractSource
from liq.producers.reference.timing import DEFAULT_TIMING, ReferenceTiming
from liq.runtime.beating import BEAT_SECONDS, beating
from liq.runtime.errors import DependencyError
from liq.runtime.feed_records import deliver_feed_status
from liq.runtime.health import Health
from liq.runtime.kafka import new_producer
from liq.runtime.kafka_refusal import why_refused
from liq.runtime.logs import get_logger
from liq.runtime.metrics import FEED_EVENTS
from liq.runtime.settings import Settings
from liq.runtime.stall import ProgressReport
from liq.schemas.records import FeedStatus, Instrument

CLIENT_ID: Final = "reference"
CONDITION: Final = "kafka"
END_SECONDS: Final = 10.0

log = get_logger(__name__)


async def run(  # noqa: PLR0913 - what one run consists of
    settings: Settings,
    sources: Sequence[ContractSource],
    shipped: Iterable[Instrument],
    *,
    health: Health,
    stop: asyncio.Event,
    timing: ReferenceTiming = DEFAULT_TIMING,
) -> None:
    """List contracts, retry parked frames and publish rates until `stop` is set.

    `shipped` are the contracts to use until a venue has been listed.

    Raises:
        DependencyError: Kafka does not answer, or refuses a record.
    """
    async with beating(health):
        await _run(settings, sources, shipped, health=health, stop=stop, timing=timing)


async def _run(  # noqa: PLR0913 - as `run`
    settings: Settings,
    sources: Sequence[ContractSource],
    shipped: Iterable[Instrument],
    *,
    health: Health,
    stop: asyncio.Event,
    timing: ReferenceTiming,
) -> None:
    health.require(CONDITION, "not connected yet")
    producer = new_producer(settings, f"{CLIENT_ID}-{settings.worker_slot}")
    known = KnownContracts(settings, shipped)
    progress = ProgressReport(health, "the topic of parked frames")
    try:
        try:
            await producer.start()
            await known.read()
            health.set(CONDITION, holds=True, reason="connected")
            lister = ContractLister(
                sources,
                known=known,
                producer=producer,
                report=lambda status: _report(settings, producer, status),
                health=health,
                timing=timing,
                slot=settings.worker_slot,
            )
            frames = ParkedFrames(
                settings, known=known, lister=lister, producer=producer, timing=timing
            )
            await _until(
                stop,
                contracts=lister.run(),
                instruments=known.follow(),
                parked=frames.run(),
                rates=rates.run(settings, stop),
                report=_report_every_second(lister, frames, progress),
            )
        finally:
            await known.close()
            await producer.stop()
    except KafkaError as error:
        raise why_refused(settings, error) or DependencyError(
            f"Kafka at {settings.kafka_bootstrap_servers} failed ({error!r}); check "
            "KAFKA_BOOTSTRAP_SERVERS, the credentials, and that `liq topics` has run."
        ) from error


async def _until(stop: asyncio.Event, **jobs: Coroutine[Any, Any, None]) -> None:
    """Run endless jobs until `stop` is set or one of them fails; raise its error."""
    tasks = [asyncio.create_task(job, name=name) for name, job in jobs.items()]
    stopping = asyncio.create_task(stop.wait())
    ended, _ = await asyncio.wait({*tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
    for task in (*tasks, stopping):
        task.cancel()
    await asyncio.wait({*tasks, stopping}, timeout=END_SECONDS)
    for task in ended - {stopping}:
        _raise(task)


def _raise(task: "asyncio.Task[Any]") -> None:
    """Raise the error that ended a task; of a group of errors, the first."""
    error = task.exception()
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    log.error("task_ended", task=task.get_name(), error=repr(error))
    if error is not None:
        raise error


async def _report_every_second(
    lister: ContractLister, frames: ParkedFrames, progress: ProgressReport
) -> None:
    while True:
        lister.show_ages()
        progress.note(frames.lag)
        await asyncio.sleep(BEAT_SECONDS)


async def _report(settings: Settings, producer: AIOKafkaProducer, status: FeedStatus) -> None:
    FEED_EVENTS.labels(status.exchange, status.feed, status.event.value).inc()
    await deliver_feed_status(producer, settings.topics, status)
