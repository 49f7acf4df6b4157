"""Fetching of batches in the order of receipt, over all partitions of a worker.

Every fetch response has the high watermark of its partition. Responses of different partitions are
some milliseconds apart, which is accurate enough for live frames. In a log that is read at full
speed, those milliseconds are hours. So the merge requests end offsets while old records wait.
"""

import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from liq.processors.workers.fetching import (
    BATCH_BYTES,
    BATCH_RECORDS,
    STEP_BYTES,
    STEP_RECORDS,
    Fetch,
    FetchedBatch,
)
from liq.processors.workers.merge import MergeBuffer
from liq.runtime.fetch_pace import FetchPace
from liq.runtime.logs import get_logger
from liq.runtime.metrics import ERRORS, MERGE_HELD_BYTES
from liq.runtime.positions import assignment_of, position_of, readable_end, states_of
from liq.runtime.record_size import RECORD_OVERHEAD_BYTES, size_of
from liq.runtime.record_time import received_at_ns
from liq.schemas.units import SECOND_NS

#: Above this, the merge polls one record at a time.
HELD_BYTES: Final = 32 * 1024 * 1024
#: Bytes to buffer before one request of the other partitions' end offsets clears them.
CLEARED_BYTES: Final = 16 * 1024 * 1024
#: Times in nanoseconds before and after all others.
NOTHING: Final = -1
EVERYTHING: Final = sys.maxsize
#: How long the merge waits for a partition whose records the broker does not send.
MISSING_SECONDS: Final = 5.0
MISSING_POLL_SECONDS: Final = 0.02
#: How long unread records delay aiokafka's fetches of other partitions; its own default.
PREFETCH_BACKOFF_SECONDS: Final = 0.1
#: Older records are not live: the worker is catching up, or reads a replay.
LIVE_SECONDS: Final = 5

log = get_logger(__name__)


class MergedReader:
    """A reader of several partitions in the order of receipt (`merge` has the reason).

    A partition is behind while the broker has unfetched records of it, or has not answered yet. The
    reader returns no record later than the newest fetched one of a partition that is behind. If the
    broker does not serve a partition for `MISSING_SECONDS`, the reader continues without it: order
    may suffer, delivery does not.
    """

    def __init__(
        self,
        fetch: Fetch,
        is_flowing: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Create a reader; `fetch` as in `DirectReader`; `is_flowing` is False in a rebalance."""
        self._fetch = fetch
        self._is_flowing = is_flowing
        self._clock = clock
        self._pace = FetchPace(STEP_RECORDS, STEP_BYTES)
        self._merge: MergeBuffer[Any, Any] = MergeBuffer(received_at_ns, size_of)
        self._assignment: Any = None
        self._cleared_ns = NOTHING
        self._positions: dict[Any, int] = {}
        self._ends: dict[Any, int] = {}
        self._missing_since: dict[Any, float] = {}

    def held(self, partition: Any) -> int:
        """Return the number of a partition's records that wait for those of other partitions."""
        return self._merge.held(partition)

    async def read(
        self, consumer: AIOKafkaConsumer, active: Collection[Any], wait_seconds: float
    ) -> FetchedBatch:
        """Return the next records by time of receipt, up to the size of a batch."""
        while self._is_flowing():
            self._forget_moved(consumer, active)
            released = self._merge.release(
                self._cleared_ns, max_records=BATCH_RECORDS, max_bytes=BATCH_BYTES
            )
            if released:
                return self._batch(released)
            if not await self._clear(consumer, active, wait_seconds):
                break
        return FetchedBatch([], {})

    async def _clear(
        self, consumer: AIOKafkaConsumer, active: Collection[Any], wait_seconds: float
    ) -> bool:
        """Take one step towards buffered records that may be returned.

        Returns False if no record arrives within `wait_seconds`.
        """
        limit = self._step_records(len(active))
        behind = self._behind(consumer, active)
        lacking = {each for each in behind if not self._merge.held(each)}
        waited_for = self._waited_for(lacking)
        _fetch_past_unread(consumer, is_wanted=bool(waited_for))
        if waited_for:
            await self._take(consumer, waited_for, MISSING_POLL_SECONDS, limit)
            return True
        if not self._merge.partitions:
            return await self._take(consumer, active, wait_seconds, limit)
        barrier = self._merge.barrier(behind - lacking)
        # One request of end offsets clears all records up to the barrier, so move it far first.
        if (
            barrier is not None
            and self._merge.held_bytes < CLEARED_BYTES
            and await self._take(consumer, {barrier[1]}, 0, limit)
        ):
            return True
        if self._is_live() or not await self._find_late(consumer, set(active) - behind):
            self._cleared_ns = EVERYTHING if barrier is None else barrier[0]
        return True

    def _step_records(self, partitions: int) -> int:
        """Return the records to poll of each partition, so that a step of each fits the buffer."""
        if self._merge.held_bytes >= HELD_BYTES:
            return 1
        share = HELD_BYTES * 3 // 4 // max(1, partitions)
        return max(
            1, min(self._pace.records, share // (RECORD_OVERHEAD_BYTES + self._pace.largest))
        )

    async def _take(
        self, consumer: AIOKafkaConsumer, partitions: Collection[Any], wait: float, limit: int
    ) -> bool:
        """Fetch records into the merge buffer; return whether there were any."""
        fetched: Mapping[Any, Sequence[Any]] = await self._fetch(partitions, wait, limit)
        self._pace.note(fetched)
        self._forget_reassigned(consumer)
        for partition, records in fetched.items():
            self._merge.add(partition, records)
            self._missing_since.pop(partition, None)
        for partition in partitions:
            # Aborted records and markers of transactions also move a position.
            if partition in fetched or partition in self._positions:
                self._positions[partition] = position_of(consumer, partition)
        if fetched:
            self._cleared_ns = NOTHING
        return bool(fetched)

    def _batch(self, released: Iterable[tuple[Any, Any]]) -> FetchedBatch:
        records = []
        partitions = set()
        for partition, record in released:
            records.append(record)
            partitions.add(partition)
        MERGE_HELD_BYTES.set(self._merge.held_bytes)
        return FetchedBatch(records, {each: self._end(each) for each in partitions})

    def _end(self, partition: Any) -> int:
        first = self._merge.first(partition)
        return self._positions[partition] if first is None else int(first.offset)

    def _forget_reassigned(self, consumer: AIOKafkaConsumer) -> None:
        """Drop all buffered records after a rebalance: they are read again from the last commit."""
        if self._assignment is not (assignment := assignment_of(consumer)):
            self._assignment = assignment
            for partition in self._merge.partitions:
                self._merge.forget(partition)
            self._ends.clear()

    def _forget_moved(self, consumer: AIOKafkaConsumer, active: Collection[Any]) -> None:
        """Drop buffered records of partitions that were revoked or whose position was moved."""
        self._forget_reassigned(consumer)
        for partition in self._merge.partitions:
            if (
                partition not in active
                or position_of(consumer, partition) != self._positions[partition]
            ):
                self._merge.forget(partition)
                self._ends.pop(partition, None)

    def _behind(self, consumer: AIOKafkaConsumer, active: Collection[Any]) -> set[Any]:
        """Return the partitions with records that are not fetched yet, or without an answer."""
        known = states_of(consumer)
        behind = set()
        for partition in active:
            state = known(partition)
            if state is None or not state.has_valid_position:
                behind.add(partition)
                continue
            end = readable_end(state)
            if end is None or state.position < max(end, self._ends.get(partition, 0)):
                behind.add(partition)
        return behind

    def _is_live(self) -> bool:
        """Return whether all buffered records were received within `LIVE_SECONDS`."""
        oldest_ns = self._merge.oldest
        return oldest_ns is None or oldest_ns >= time.time_ns() - LIVE_SECONDS * SECOND_NS

    async def _find_late(self, consumer: AIOKafkaConsumer, reached: set[Any]) -> bool:
        """Request the ends of partitions that seem to be read; return whether any has more."""
        if not reached:
            return False
        try:
            self._ends = await consumer.end_offsets(list(reached))
        except KafkaError as error:
            # Without the ends, the merge cannot wait: order may suffer, delivery does not.
            ERRORS.labels("merge_end_offsets").inc()
            log.warning("merge_without_end_offsets", error=repr(error))
            return False
        return any(position_of(consumer, each) < end for each, end in self._ends.items())

    def _waited_for(self, lacking: set[Any]) -> set[Any]:
        """Return the lacking partitions, except those whose wait has timed out."""
        now = self._clock()
        for partition in [each for each in self._missing_since if each not in lacking]:
            del self._missing_since[partition]
        waited_for = set()
        for partition in lacking:
            since = self._missing_since.setdefault(partition, now)
            if now - since < MISSING_SECONDS:
                waited_for.add(partition)
            elif since > 0:
                self._missing_since[partition] = float("-inf")
                ERRORS.labels("merge_missing").inc()
                log.warning("merge_without_partition", partition=str(partition))
        return waited_for


def _fetch_past_unread(consumer: AIOKafkaConsumer, *, is_wanted: bool) -> None:
    """Set whether the consumer fetches partitions while fetched records of others are unread.

    The consumer must do so while those records wait for the merge. Otherwise it must not: a fetch
    of quiet partitions lasts for its full wait, and delays the busy partitions that it excludes.
    """
    backoff_seconds = 0.0 if is_wanted else PREFETCH_BACKOFF_SECONDS
    consumer._fetcher._prefetch_backoff = backoff_seconds  # noqa: SLF001 - no setting for it
