"""The normalizing stage: from raw frames to liquidations, large liquidations and rejections.

A frame with entries of unknown contracts is parked (`parking`) until the contracts are listed; the
other entries become events at once.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from liq.processors.normalizers import (
    FrameMetadata,
    InstrumentBook,
    NormalizerConfig,
    normalize,
    one_rejection,
)
from liq.processors.stages.feed_records import feed_record
from liq.processors.stages.output import Output
from liq.processors.stages.parking import parked_record
from liq.processors.stages.receipts import ReceiptCheck
from liq.processors.stages.rejections import deliverable
from liq.processors.stages.unread import UnreadFeeds
from liq.processors.stages.venue_watch import VenueWatch
from liq.runtime.believed_time import receipt
from liq.runtime.kafka import MAX_REQUEST_BYTES
from liq.runtime.metrics import (
    EVENTS,
    FEED_UNREAD,
    NORMALIZED,
    PARKED,
    REJECTED,
    RETRY_WAIT,
)
from liq.runtime.sending import OutputRecord
from liq.runtime.settings import Settings
from liq.schemas.cloud_events import liquidation_headers
from liq.schemas.codec import encode
from liq.schemas.headers import (
    CONNECTION,
    FEED,
    HEARTBEAT_KEY,
    RATES,
    SUBJECT,
    Retry,
    blind_header,
    heartbeat_headers,
    retry_header,
    text_header,
)
from liq.schemas.records import FeedStatus, Liquidation, Rejected, Source
from liq.schemas.topics import Topics
from liq.schemas.units import MILLISECOND_NS, SECOND_MS
from liq.schemas.vocabulary import Arrival

# A parked frame also has its symbols in a header. The engine's producers send no frames this large.
MAX_PARKED_BYTES: Final = MAX_REQUEST_BYTES // 3
#: Records of a batch are sent in slices of this size, to limit memory.
SLICE_BYTES: Final = 2 * 1024 * 1024
HISTORY: Final = frozenset({Arrival.BACKFILLED, Arrival.COMPLETED})
# Waits, within a time limit, until contract metadata up to an offset of its topic is in use.
WaitForInstruments = Callable[[int], Awaitable[None]]


async def no_wait(_: int) -> None:
    """Return at once, for a stage that does not follow the instruments topic."""


def normalizer_config(settings: Settings) -> NormalizerConfig:
    """Return the normalizers' configuration from the settings."""
    return NormalizerConfig(
        institutional_threshold_usd=settings.institutional_threshold_usd,
        btc_price_level_step_usd=settings.price_level_rounding,
        max_rate_age_ms=settings.rate_max_age_seconds * SECOND_MS,
    )


class NormalizeStage:
    """The stage that normalizes batches of raw Kafka messages; its state need not survive."""

    def __init__(
        self,
        settings: Settings,
        output: Output,
        instruments: InstrumentBook,
        wait_for_instruments: WaitForInstruments = no_wait,
    ) -> None:
        """Configure the stage; `instruments` has the contracts' metadata."""
        self._topics: Topics = settings.topics
        self._config = normalizer_config(settings)
        self._output = output
        self._instruments = instruments
        self._wait_for_instruments = wait_for_instruments
        self._heartbeat_ms = 0
        # The clock that frames have reached whose producer's heartbeats lag.
        self._lagging_ms = 0
        self._receipts = ReceiptCheck()
        self._unread = UnreadFeeds(f"{settings.worker_slot}:normalize")
        self._venues = VenueWatch()
        # Counts of the current batch, because Prometheus' counters are slow.
        self._frames: Counter[str] = Counter()
        self._rejections: Counter[tuple[str, str]] = Counter()
        self._liquidations: Counter[tuple[str, str]] = Counter()

    def use_instruments(self, instruments: InstrumentBook) -> None:
        """Use this metadata for the next frames."""
        self._instruments = instruments

    async def handle(self, messages: Sequence[Any]) -> Awaitable[Mapping[int, str]]:
        """Normalize a batch and send its records in slices of bounded size.

        The returned awaitable completes when all records are acknowledged; its notes are empty.

        Raises:
            KafkaError: the brokers reject a record.
        """
        records: list[OutputRecord] = []
        size_bytes = 0
        sent: list[asyncio.Future[Any]] = []
        for message in messages:
            if message.value is None:
                records.extend(await self._passed_on(message))
            else:
                retry = retry_header(message.headers)
                if retry is not None and retry.offset is not None:
                    await self._wait(retry.offset)
                made = self._normalized(message, retry)
                records.extend(made)
                size_bytes += sum(len(record.value or b"") for record in made)
            if size_bytes >= SLICE_BYTES:
                sent.append(await self._output.send(records))
                records, size_bytes = [], 0
        records.extend(await self._heartbeats(self._lagging_ms))
        if records:
            sent.append(await self._output.send(records))
        self._count()
        return asyncio.ensure_future(_acknowledged(sent))

    def _count(self) -> None:
        """Add the batch's counts to the metrics."""
        for exchange, count in self._frames.items():
            NORMALIZED.labels(exchange).inc(count)
        for labels, count in self._rejections.items():
            REJECTED.labels(*labels).inc(count)
        for labels, count in self._liquidations.items():
            EVENTS.labels(*labels).inc(count)
        for counter in (self._frames, self._rejections, self._liquidations):
            counter.clear()

    async def _wait(self, offset: int) -> None:
        began = time.monotonic()
        await self._wait_for_instruments(offset)
        RETRY_WAIT.observe(time.monotonic() - began)

    def _normalized(self, message: Any, retry: Retry | None) -> list[OutputRecord]:
        received = receipt(message)
        metadata = FrameMetadata(
            exchange=self._topics.raw_exchange(message.topic),
            feed=text_header(message.headers, FEED),
            received_at_ms=received.received_at_ns // MILLISECOND_NS,
            source=Source(message.topic, message.partition, message.offset),
            waited_for=None if retry is None else frozenset(retry.contracts),
            rates=text_header(message.headers, RATES),
            subject=text_header(message.headers, SUBJECT),
        )
        waiting: dict[str, None] | None = {}
        if _size(message) > MAX_PARKED_BYTES or (retry is not None and retry.is_final):
            waiting = None
        self._frames[metadata.exchange] += 1
        results = normalize(message.value, metadata, self._instruments, self._config, waiting)
        checked = self._receipts.frame(message, metadata.exchange, received, results)
        results = checked.results
        records = [self._feed_record(status) for status in checked.statuses]
        self._lagging_ms = max(self._lagging_ms, checked.reached_ms)
        if results or not waiting:  # a frame that is only parked is neither read nor rejected
            records.extend(self._unread_feed(metadata, results))
        rejections: list[Rejected] = []
        for result in results:
            if isinstance(result, Rejected):
                self._rejections[result.exchange, result.reason] += 1
                rejections.append(result)
            else:
                self._liquidations[result.exchange, result.side] += 1
                records.extend(self._events(result))
        if rejections:
            records.append(self._rejected(one_rejection(rejections)))
        if waiting:
            attempt = 0 if retry is None else retry.attempt
            PARKED.labels(metadata.exchange).inc()
            waits = Retry(tuple(waiting), attempt)
            records.append(parked_record(self._topics.parked, message, metadata.exchange, waits))
        return records

    def _unread_feed(
        self, metadata: FrameMetadata, results: Sequence[Liquidation | Rejected]
    ) -> list[OutputRecord]:
        """Return the record of a feed that has just become unread, or an empty list."""
        exchange, feed = metadata.exchange, metadata.feed
        was_unread = self._unread.is_unread(exchange, feed)
        status = self._unread.note(exchange, feed, metadata.received_at_ms, results)
        if status is not None:
            FEED_UNREAD.labels(exchange, feed).set(1)
            return [self._feed_record(status)]
        if was_unread and not self._unread.is_unread(exchange, feed):
            FEED_UNREAD.labels(exchange, feed).set(0)
        return []

    def _feed_record(self, status: FeedStatus) -> OutputRecord:
        return feed_record(self._topics.feeds, status)

    def _events(self, event: Liquidation) -> list[OutputRecord]:
        key, value, headers = event.base.encode(), encode(event), liquidation_headers(event)
        records = [OutputRecord(self._topics.events, key, value, headers)]
        # A history's events are hours old, so they are not announced as new large liquidations.
        if event.is_institutional and event.arrival not in HISTORY:
            records.append(OutputRecord(self._topics.large, key, value, headers))
        return records

    def _rejected(self, rejected: Rejected) -> OutputRecord:
        key = rejected.exchange.encode()
        return OutputRecord(self._topics.rejected, key, encode(deliverable(rejected)))

    async def _passed_on(self, message: Any) -> list[OutputRecord]:
        """Forward a producer's heartbeat, with its believed time and the blind venues."""
        received = receipt(message)
        exchange = self._topics.raw_exchange(message.topic)
        self._venues.note(
            exchange,
            text_header(message.headers, CONNECTION),
            received.received_at_ns // MILLISECOND_NS,
            blind_header(message.headers),
        )
        statuses = self._receipts.heartbeat(message, exchange, received)
        return [
            *map(self._feed_record, statuses),
            *await self._heartbeats(received.received_at_ns // MILLISECOND_NS),
        ]

    async def _heartbeats(self, clock_ms: int) -> list[OutputRecord]:
        """Return the first heartbeat of a second for every events partition, else no record."""
        if clock_ms // SECOND_MS <= self._heartbeat_ms // SECOND_MS:
            return []
        self._heartbeat_ms = clock_ms
        blind = self._venues.blind(clock_ms, self._unread.unread())
        headers = heartbeat_headers(clock_ms, blind)
        return [
            OutputRecord(self._topics.events, HEARTBEAT_KEY, None, headers, partition)
            for partition in await self._output.partitions(self._topics.events)
        ]


def _size(message: Any) -> int:
    """Return the bytes of a record in a parked frame, headers included: these may be large, too."""
    headers = sum(len(name) + len(value or b"") for name, value in message.headers or ())
    return len(message.value) + len(message.key or b"") + headers


async def _acknowledged(sent: Sequence[asyncio.Future[Any]]) -> Mapping[int, str]:
    await asyncio.gather(*sent)
    return {}
