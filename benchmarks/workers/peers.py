"""Plain aiokafka loops around the workers' pure functions, as the reference for the workers.

    python -m benchmarks.workers.peers normalize|detect

A loop reads and writes the topics of the worker of the same name, under the worker's environment
variables. It has no Faust, health, metrics, merge by time or restored state. It writes what the
worker writes, and commits every half second, once everything sent before is acknowledged. Detection
has its default thresholds.
"""

import asyncio
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from liq.processors.cascades import DetectorConfig, MarketDetector, PartitionDetector
from liq.processors.cascades.beat import Beat
from liq.processors.cascades.decoding import decode_observation
from liq.processors.cascades.snapshot import market_to_bytes
from liq.processors.normalizers import (
    FrameMetadata,
    NormalizerConfig,
    known_exchanges,
    load_snapshot,
    normalize,
)
from liq.processors.stages.pulses import beat_of, pulse_of
from liq.runtime.settings import Settings, load_settings
from liq.schemas.cloud_events import alert_headers, liquidation_headers
from liq.schemas.codec import decode, encode
from liq.schemas.headers import (
    CASCADE,
    CLOCK_MS,
    FEED,
    HEARTBEAT_KEY,
    PULSE,
    RECEIVED_AT_NS,
    RECORD,
    SOURCE_PARTITION,
    heartbeat_headers,
    integer_header,
    pulse_headers,
    pulse_heartbeat_headers,
    text_header,
)
from liq.schemas.records import CascadeAlert, Pulse, Rejected, Source
from liq.schemas.units import MILLISECOND_NS, SECOND_MS
from liq.schemas.vocabulary import AlertType

COMMIT_SECONDS: Final = 0.5
POLL_MS: Final = 100
LINGER_MS: Final = 5
MAX_BATCH_BYTES: Final = 262_144
STATE_EPOCH: Final = b"1|"

Batch = Mapping[TopicPartition, Sequence[Any]]


class Loop:
    """A consumer of topics and a producer, with the offsets that are not committed yet."""

    def __init__(self, settings: Settings, group: str, *topics: str) -> None:
        servers = settings.kafka_bootstrap_servers
        self.settings = settings
        self.topics = settings.topics
        self.consumer = AIOKafkaConsumer(
            *topics,
            bootstrap_servers=servers,
            group_id=settings.group(group),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=POLL_MS,
            isolation_level="read_committed",
        )
        self.producer = AIOKafkaProducer(
            bootstrap_servers=servers,
            acks="all",
            enable_idempotence=True,
            compression_type="lz4",
            linger_ms=LINGER_MS,
            max_batch_size=MAX_BATCH_BYTES,
        )
        self._sent: list[asyncio.Future[Any]] = []
        self._next: dict[TopicPartition, int] = {}

    async def run(self) -> None:
        """Poll, handle, and commit at the interval, for ever."""
        await self.producer.start()
        await self.consumer.start()
        due = time.monotonic() + COMMIT_SECONDS
        while True:
            batch: Batch = await self.consumer.getmany(timeout_ms=POLL_MS)
            for place, records in batch.items():
                await self.handle(place, records)
                self._next[place] = records[-1].offset + 1
            if time.monotonic() >= due:
                due = time.monotonic() + COMMIT_SECONDS
                await self._commit()

    async def handle(self, place: TopicPartition, records: Sequence[Any]) -> None:
        """Send the outputs of records of one partition."""
        raise NotImplementedError

    async def send_state(self) -> None:
        """Send the snapshots of changed state; by default there is no state."""

    async def send(
        self,
        topic: str,
        key: bytes,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        partition: int | None = None,
    ) -> None:
        """Send a record; the next commit waits for its acknowledgement."""
        self._sent.append(
            await self.producer.send(
                topic, value, key=key, partition=partition, headers=list(headers)
            )
        )

    async def _commit(self) -> None:
        if not self._next:
            return
        await self._acknowledged()
        await self.send_state()
        await self._acknowledged()
        await self.consumer.commit(self._next)
        self._next = {}

    async def _acknowledged(self) -> None:
        sent, self._sent = self._sent, []
        await asyncio.gather(*sent)


class Normalize(Loop):
    """Frames to liquidations."""

    def __init__(self, settings: Settings) -> None:
        exchanges = settings.exchanges or known_exchanges()
        super().__init__(settings, "normalize", *map(settings.topics.raw, exchanges))
        self._book = load_snapshot()
        self._config = NormalizerConfig(
            settings.institutional_threshold_usd, settings.price_level_rounding
        )
        self._heartbeat_ms = 0

    async def handle(self, place: TopicPartition, records: Sequence[Any]) -> None:
        """Send the liquidations and rejections of frames."""
        exchange = self.topics.raw_exchange(place.topic)
        for record in records:
            received_ms = (integer_header(record.headers, RECEIVED_AT_NS) or 0) // MILLISECOND_NS
            if record.value is None:
                await self._heartbeat(received_ms)
                continue
            source = Source(place.topic, place.partition, record.offset)
            metadata = FrameMetadata(
                exchange, text_header(record.headers, FEED), received_ms, source
            )
            for result in normalize(record.value, metadata, self._book, self._config):
                if isinstance(result, Rejected):
                    await self.send(self.topics.rejected, exchange.encode(), encode(result))
                    continue
                key, value = result.base.encode(), encode(result)
                headers = liquidation_headers(result)
                await self.send(self.topics.events, key, value, headers)
                if result.is_institutional:
                    await self.send(self.topics.large, key, value, headers)

    async def _heartbeat(self, clock_ms: int) -> None:
        if clock_ms < self._heartbeat_ms + SECOND_MS:
            return
        self._heartbeat_ms = clock_ms
        for partition in await self.producer.partitions_for(self.topics.events):
            headers = heartbeat_headers(clock_ms)
            await self.send(self.topics.events, HEARTBEAT_KEY, None, headers, partition)


class Detect(Loop):
    """Liquidations to watches, and to pulses and alerts for the market's loop."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, "detect", settings.topics.events)
        self._config = DetectorConfig()
        self._detectors: dict[int, PartitionDetector] = {}

    async def handle(self, place: TopicPartition, records: Sequence[Any]) -> None:
        """Send the pulses, watches and alerts from liquidations."""
        number = place.partition
        detector = self._detectors.get(number)
        if detector is None:
            detector = self._detectors[number] = PartitionDetector(self._config)
        for record in records:
            before_ms = detector.clock_ms
            if record.value is None:
                clock_ms = integer_header(record.headers, CLOCK_MS) or 0
                decided = detector.heartbeat(clock_ms, record.offset)
            else:
                decided = detector.apply_view(decode_observation(record.value), record.offset)
            for item in decided:
                await self._publish(number, before_ms, item)
        headers = pulse_heartbeat_headers(number, detector.clock_ms)
        await self.send(self.topics.pulse, HEARTBEAT_KEY, None, headers)

    async def _publish(self, number: int, before_ms: int, item: Beat | CascadeAlert) -> None:
        if isinstance(item, Beat):
            key, value, kind = item.base.encode(), encode(pulse_of(item)), PULSE
        else:
            key, value, kind = item.asset.encode(), encode(item), CASCADE
            if item.type is AlertType.WATCH:
                await self.send(self.topics.watch, key, value, alert_headers(item))
                return
            name = item.cascade_id.encode()
            await self.send(self.topics.cascades, name, value, alert_headers(item))
        await self.send(self.topics.pulse, key, value, pulse_headers(number, kind, before_ms))

    async def send_state(self) -> None:
        """Send the snapshots of the assets that have changed."""
        for number, detector in self._detectors.items():
            for asset, snapshot in detector.touched().items():
                key = STATE_EPOCH + asset.encode()
                await self.send(self.topics.detector_state, key, snapshot, partition=number)


class Market(Loop):
    """Pulses to cascade alerts."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, "market", settings.topics.pulse)
        sources = range(settings.topic_partitions)
        self._detector = MarketDetector(DetectorConfig(), sources)

    async def handle(self, _: TopicPartition, records: Sequence[Any]) -> None:
        """Send the alerts from pulses."""
        for record in records:
            clock_ms = integer_header(record.headers, CLOCK_MS) or 0
            source = integer_header(record.headers, SOURCE_PARTITION) or 0
            if record.value is None:
                for alert in self._detector.heartbeat(clock_ms, source):
                    name, headers = alert.cascade_id.encode(), alert_headers(alert)
                    await self.send(self.topics.cascades, name, encode(alert), headers)
            elif text_header(record.headers, RECORD) == CASCADE:
                self._detector.add(decode(CascadeAlert, record.value), clock_ms, source)
            else:
                self._detector.add(beat_of(decode(Pulse, record.value)), clock_ms, source)

    async def send_state(self) -> None:
        """Send the market's snapshot."""
        state = market_to_bytes(self._detector.state)
        await self.send(self.topics.market_state, STATE_EPOCH + b"market", state)


async def run(stage: str) -> None:
    settings = load_settings()
    loops: list[Loop] = [Normalize(settings)]
    if stage == "detect":
        loops = [Detect(settings), Market(settings)]
    running = asyncio.gather(*(loop.run() for loop in loops))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    try:
        await running
    except asyncio.CancelledError:
        for loop in loops:
            await loop.consumer.stop()
            await loop.producer.stop()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1]))
