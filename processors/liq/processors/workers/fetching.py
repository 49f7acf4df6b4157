"""Fetching of batches from an aiokafka consumer, bounded by bytes, as the brokers send records.

`merged_fetching` has the reader that returns records of several partitions in the order of receipt.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaConsumer

from liq.runtime.fetch_pace import FetchPace
from liq.runtime.logs import get_logger
from liq.runtime.positions import assignment_of, position_of
from liq.runtime.record_size import size_of

#: A batch ends with the record that reaches one of these.
BATCH_RECORDS: Final = 1_000
BATCH_BYTES: Final = 2 * 1024 * 1024
#: Records are polled in steps, because their decompressed bytes are not known in advance.
STEP_RECORDS: Final = 100
STEP_BYTES: Final = 8 * 1024 * 1024

Partition = tuple[str, int]
"""Faust's or aiokafka's pair of topic and partition; they are equal as tuples."""
Fetch = Callable[[Collection[Any], float, int], Any]

log = get_logger(__name__)


@dataclass(slots=True)
class FetchedBatch:
    """Records in the order of handling, and the offset to commit for each of their partitions.

    `notes` are the stage's notes by number of the partition, to commit with those offsets.
    `passed` are positions of other partitions, before which every record was part of a batch.
    """

    records: Sequence[Any]
    ends: dict[Any, int]
    notes: Mapping[int, str] = field(default_factory=dict)
    passed: Mapping[Any, int] = field(default_factory=dict)


class Reader(Protocol):
    """A source of batches with the next records of the active partitions."""

    async def read(
        self, consumer: AIOKafkaConsumer, active: Collection[Any], wait_seconds: float
    ) -> FetchedBatch:
        """Return the next batch; an empty one if no record arrives within `wait_seconds`.

        Raises:
            KafkaError: the brokers do not serve a partition.
        """

    def held(self, partition: Any) -> int:
        """Return the number of a partition's fetched records that are not part of a batch yet."""


class DirectReader:
    """A reader that returns records as the brokers send them."""

    def __init__(self, fetch: Fetch) -> None:
        """Create a reader; `fetch(partitions, wait_seconds, max_records)` returns records."""
        self._fetch = fetch
        self._pace = FetchPace(STEP_RECORDS, STEP_BYTES)

    async def read(
        self, consumer: AIOKafkaConsumer, active: Collection[Any], wait_seconds: float
    ) -> FetchedBatch:
        """Return the fetched records, up to the size of a batch."""
        batch = FetchedBatch([], {})
        records: list[Any] = []
        size = 0
        assignment = assignment_of(consumer)
        while len(records) < BATCH_RECORDS and size < BATCH_BYTES:
            fetched = await self._fetch(active, 0 if records else wait_seconds, self._pace.records)
            self._pace.note(fetched)
            if assignment is not (assignment := assignment_of(consumer)):
                # Records from before a rebalance are read again, from the last commit.
                records.clear()
                batch.ends.clear()
            if not fetched:
                break
            for partition, together in fetched.items():
                records += together
                size += sum(map(size_of, together))
                batch.ends[partition] = position_of(consumer, partition)
        batch.records = records
        return batch

    def held(self, partition: Any) -> int:  # noqa: ARG002 - the reader that holds nothing
        """Return 0: this reader buffers no records."""
        return 0
