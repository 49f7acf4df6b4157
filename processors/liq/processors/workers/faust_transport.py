"""Faust's Kafka transport with three changes: merged by time, never held for long, no silent jump.

This is the only module that touches Faust's and aiokafka's inner parts, hence the exact pin of
faust-streaming; `check_faust` refuses to start with a version that lacks them. Faust hard-codes a
fetch wait of 1.5 s, for which a quiet partition's fetch can hold up a busy one on the same broker.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, cast

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from faust.transport.consumer import Consumer as BaseConsumer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.transports import SchedulingStrategyT

from liq.processors.workers.merge import MergeBuffer, in_release_order
from liq.runtime.errors import ConfigurationError
from liq.runtime.kafka import FETCH_MAX_WAIT_MS
from liq.runtime.log_gaps import LogGaps
from liq.runtime.logs import get_logger
from liq.runtime.long_poll import emulate_long_poll
from liq.runtime.metrics import ERRORS
from liq.runtime.record_time import received_at_ns

# Enough to merge venues that differ hundredfold in rate, small enough to stay in the megabytes.
HELD_RECORDS_PER_PARTITION = 5_000
FETCH_TIMEOUT_SECONDS = 1.0

log = get_logger(__name__)


class ReleaseOrder(SchedulingStrategyT):
    """Hands records to agents in the order in which the merge released them."""

    def iterate(self, records: Mapping[TP, list[Any]]) -> Iterator[tuple[TP, Any]]:
        """Undo the grouping by partition."""
        return in_release_order(dict(records))


class EngineConsumerThread(driver.AIOKafkaConsumerThread):
    """Where the transport asks for it, gives out records in time order across partitions."""

    def __post_init__(self) -> None:
        """Prepare the buffer; Faust calls this at the end of its constructor."""
        super().__post_init__()
        self._merge: MergeBuffer[TP, Any] = MergeBuffer(received_at_ns)
        self._expected_position: dict[TP, int] = {}
        self._gaps = cast("EngineTransport", self.transport).gaps

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS  # noqa: SLF001 - see the module's docstring
        return consumer

    async def on_start(self) -> None:
        """Start the consumer, and the stand-in for a long poll where it is asked for."""
        await super().on_start()
        if cast("EngineTransport", self.transport).emulate_long_poll:
            emulate_long_poll(self._ensure_consumer())

    async def _fetch_records(
        self,
        consumer: AIOKafkaConsumer,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109 - the overridden signature
        max_records: int | None = None,
    ) -> Any:
        if not cast("EngineTransport", self.transport).merge:
            return await self._fetch(consumer, active_partitions, timeout, max_records)
        if not self._is_flowing():
            return {}
        await self._forget_moved(consumer, active_partitions)
        fetched = await self._fetch(consumer, active_partitions, timeout, max_records)
        await self._hold(consumer, fetched)
        released: list[tuple[TP, Any]] = []
        while self._merge.partitions and not released:
            behind = await self._behind(consumer, active_partitions)
            released = self._merge.release(behind)
            if not released:
                wanted = {tp for tp in behind if not self._merge.held(tp)} or set(behind)
                more = await self._fetch(
                    consumer, wanted, FETCH_TIMEOUT_SECONDS, HELD_RECORDS_PER_PARTITION
                )
                await self._hold(consumer, more)
                if not self._is_flowing():
                    return {}
        grouped: dict[TP, list[tuple[int, Any]]] = defaultdict(list)
        for place, (tp, record) in enumerate(released):
            grouped[tp].append((place, record))
        return dict(grouped)

    async def _fetch(
        self,
        consumer: AIOKafkaConsumer,
        partitions: set[TP],
        timeout: float | None,  # noqa: ASYNC109 - passed on
        max_records: int | None,
    ) -> Mapping[TP, list[Any]]:
        fetched = await super()._fetch_records(consumer, partitions, timeout, max_records)
        if self._gaps is not None:
            await self._gaps.check(consumer, partitions, fetched)
        return fetched

    def _is_flowing(self) -> bool:
        """Whether Faust wants records now; it does not during a rebalance."""
        return bool(self.consumer.flow_active)

    async def _hold(self, consumer: AIOKafkaConsumer, fetched: Mapping[TP, list[Any]]) -> None:
        for tp, records in fetched.items():
            self._merge.add(tp, records)
            self._expected_position[tp] = await consumer.position(tp)

    async def _forget_moved(self, consumer: AIOKafkaConsumer, active: set[TP]) -> None:
        """Drop held records of partitions that were taken away or sought elsewhere."""
        for tp in self._merge.partitions:
            if tp not in active or await consumer.position(tp) != self._expected_position[tp]:
                self._merge.forget(tp)

    async def _behind(self, consumer: AIOKafkaConsumer, active: set[TP]) -> list[TP]:
        """Partitions of which the broker has records that were not fetched yet."""
        try:
            ends = await consumer.end_offsets(list(active))
            return [tp for tp, end in ends.items() if await consumer.position(tp) < end]
        except KafkaError as error:
            # Without the ends nothing can be waited for: order suffers, delivery does not.
            ERRORS.labels("merge_end_offsets").inc()
            log.warning("merge_without_end_offsets", error=repr(error))
            return []


class EngineConsumer(driver.Consumer):
    """Faust's consumer over the engine's thread."""

    def _new_consumer_thread(self) -> EngineConsumerThread:
        return EngineConsumerThread(self, loop=self.loop, beacon=self.beacon)


class EngineTransport(driver.Transport):
    """Faust's Kafka transport over the engine's consumer."""

    Consumer = EngineConsumer
    #: Whether partitions are merged by receive time (raw topics) or read as they come.
    merge = False
    #: Whether the broker lacks a long poll.
    emulate_long_poll = False
    #: What says that records were deleted unread.
    gaps: LogGaps | None = None


def check_faust() -> None:
    """Make sure that the parts this module changes are where it expects them.

    Raises:
        ConfigurationError: another version of faust-streaming is installed.
    """
    expected = [
        (driver.AIOKafkaConsumerThread, "_fetch_records"),
        (driver.AIOKafkaConsumerThread, "_create_worker_consumer"),
        (driver.Consumer, "_new_consumer_thread"),
        (BaseConsumer, "_wait_next_records"),
    ]
    missing = [f"{owner.__name__}.{name}" for owner, name in expected if not hasattr(owner, name)]
    if missing:
        raise ConfigurationError(
            f"This faust-streaming lacks {', '.join(missing)}; install the pinned version "
            "(pip install -c constraints.txt)."
        )
