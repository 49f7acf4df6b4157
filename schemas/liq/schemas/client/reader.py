"""A reader of one public topic: typed records, each id once, also after a restart.

Kafka stores the committed offsets of a group. The log itself contains the earlier ids: after a
restart the reader reads the records before its committed offset again, without returning them.
"""

import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, Self, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from liq.schemas.client.places import Places, noted_partitions, partitions_note
from liq.schemas.client.seen import SeenIds
from liq.schemas.client.starts import Newest, Oldest, Since, Start
from liq.schemas.codec import DecodeError, decode
from liq.schemas.records import CascadeAlert, DetectionStatus, FeedStatus, Liquidation
from liq.schemas.units import SECOND_MS

#: Records of each partition that are read again after a restart.
LOOK_BACK_RECORDS: Final = 2_000
MAX_POLL_RECORDS: Final = 500
POLL_SECONDS: Final = 1.0
COMMIT_SECONDS: Final = 1.0
#: The reader discovers partitions that are added to the topic within this time.
METADATA_AGE_MS: Final = 10_000
FROM_NOW_ON: Final = Newest()
Record = TypeVar("Record", Liquidation, CascadeAlert, FeedStatus, DetectionStatus)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received(Generic[Record]):
    """A record and its position; `published_ms` is Kafka's timestamp (UTC, ms)."""

    record: Record
    partition: int
    offset: int
    published_ms: int


def record_id(record: Liquidation | CascadeAlert | FeedStatus | DetectionStatus) -> str | None:
    """Return the id that repeats of a record share; None for a record without an id."""
    match record:
        case Liquidation(event_id=event_id):
            return event_id
        case CascadeAlert(alert_id=alert_id):
            return alert_id
        case DetectionStatus(worker=worker, timestamp_ms=timestamp_ms):
            return f"{worker}:{timestamp_ms}"
        case FeedStatus():
            return None


class Reader(Generic[Record]):
    """An asynchronous iterator over one topic; use it in an `async with` statement.

    With a group, Kafka stores the position, and `start` applies only without a committed offset. A
    record counts as handled when the next record is requested. Handled records are committed once a
    second and at the end, so a crash repeats at most one second of them. Partitions that are added
    to the topic are read from their beginning, regardless of `start`.

    `options` are passed to aiokafka's consumer: `bootstrap_servers`, `security_protocol`, ...
    `on_bad` receives the bytes of an undecodable record and the error; the reader then continues.
    """

    def __init__(
        self,
        record_type: type[Record],
        topic: str,
        *,
        group: str | None = None,
        start: Start = FROM_NOW_ON,
        on_bad: Callable[[bytes, DecodeError], None] | None = None,
        **options: Any,
    ) -> None:
        self._record_type: type[Record] = record_type
        self._topic = topic
        self._group = group
        self._start = start
        self._seen = SeenIds()
        self._on_bad = on_bad
        self._places = Places()
        # The number of partitions when the group, or this reader without a group, began.
        self._first_partitions: int | None = None
        self._committed_at = time.monotonic()
        self._consumer = AIOKafkaConsumer(
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            **{"metadata_max_age_ms": METADATA_AGE_MS, **options},
        )
        self.repeated_count = 0
        self.bad_count = 0

    async def __aenter__(self) -> Self:
        """Connect, and seek to the start position."""
        if self._group is not None:
            listener = _Listener(self._consumer, self._place)
            self._consumer.subscribe([self._topic], listener=listener)
            await self._consumer.start()
            return self
        await self._consumer.start()
        places = await self._topic_places()
        self._consumer.assign(places)
        await self._place(places)
        return self

    async def __aexit__(self, *_exception: object) -> None:
        """Commit the handled records, and disconnect."""
        try:
            await self.commit()
        finally:
            await self._consumer.stop()

    async def __aiter__(self) -> AsyncIterator[Received[Record]]:
        """Yield records for ever."""
        while True:
            for received in await self.poll(POLL_SECONDS):
                yield received
                self.handle(received)
            await self.commit_if_due()

    async def poll(self, timeout_seconds: float) -> list[Received[Record]]:
        """Return the next records, or none after the timeout; `handle` each of them."""
        if self._group is None:
            await self._add_partitions()
        fetched = await self._consumer.getmany(
            timeout_ms=int(SECOND_MS * timeout_seconds), max_records=MAX_POLL_RECORDS
        )
        found = []
        for place, records in fetched.items():
            for record in records:
                received = self._read(record)
                if received is not None and not self._places.is_before(place, record.offset):
                    self._places.give(place, record.offset)
                    found.append(received)
        return found

    def handle(self, received: Received[Record]) -> None:
        """Mark a record, and all before it in its partition, as handled, for the next commit."""
        self._places.handle(self._at(received.partition), received.offset)

    async def commit_if_due(self) -> None:
        """Commit the handled records, at most once a second."""
        if time.monotonic() - self._committed_at >= COMMIT_SECONDS:
            await self.commit()

    async def commit(self) -> None:
        """Commit the handled records; do nothing without a group."""
        self._committed_at = time.monotonic()
        if self._group is None:
            return
        places = self._consumer.assignment()
        await self._commit(self._places.to_commit({at: self._position(at) for at in places}))

    async def _commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        if not offsets:
            return
        note = partitions_note(self._first_partitions or 0)
        await self._consumer.commit(
            {place: OffsetAndMetadata(offset, note) for place, offset in offsets.items()}
        )
        self._places.commit(offsets)

    def _position(self, place: TopicPartition) -> int:
        """Return the consumer's position in a partition; -1 without a valid position."""
        subscription = self._consumer._subscription.subscription  # noqa: SLF001 - `position` waits
        assignment = None if subscription is None else subscription.assignment
        state = None if assignment is None else assignment.state_value(place)
        return -1 if state is None or not state.has_valid_position else int(state.position)

    async def _add_partitions(self) -> None:
        """Assign partitions that were added to the topic, for a reader without a group."""
        numbers = self._consumer.partitions_for_topic(self._topic) or ()
        known: Collection[TopicPartition] = self._consumer.assignment()
        added = [at for at in map(self._at, sorted(numbers)) if at not in known]
        positions = {place: self._position(place) for place in known}
        if not added or -1 in positions.values():
            return
        self._consumer.assign(list(positions) + added)
        for place, position in positions.items():
            self._consumer.seek(place, position)
        await self._place(added)

    def _read(self, record: Any) -> Received[Record] | None:
        """Return a new record; None for a heartbeat, a repeat or an undecodable record."""
        if record.value is None:
            return None
        try:
            decoded = decode(self._record_type, record.value)
        except DecodeError as error:
            self.bad_count += 1
            if self._on_bad is not None:
                self._on_bad(record.value, error)
            return None
        name = record_id(decoded)
        if name is not None and not self._seen.is_new(name):
            self.repeated_count += 1
            return None
        return Received(
            record=decoded,
            partition=record.partition,
            offset=record.offset,
            published_ms=record.timestamp,
        )

    async def _place(self, places: Collection[TopicPartition]) -> None:
        """Determine the start offset of each partition, and seek to the records to look back at."""
        if not places:
            return
        committed = await self._find_committed()
        starts = await self._starts(places)
        beginnings = await self._consumer.beginning_offsets(places)
        first = self._first_partitions
        new: dict[TopicPartition, int] = {}
        for place in places:
            offset = committed.get(place)
            if offset is None:
                is_added = first is not None and place.partition >= first
                begin = new[place] = beginnings[place] if is_added else starts[place]
                back = begin
            else:
                begin, back = offset, offset - LOOK_BACK_RECORDS
            self._places.begin(place, begin, committed=offset)
            self._consumer.seek(place, max(beginnings[place], back))
        # Otherwise a restart before the first record would skip the records in between.
        if self._group is not None and isinstance(self._start, Newest):
            await self._commit(new)

    async def _find_committed(self) -> Mapping[TopicPartition, int]:
        """Return the group's committed offsets; determine its first number of partitions."""
        everywhere = await self._topic_places()
        found: Mapping[TopicPartition, OffsetAndMetadata] = {}
        if self._group is not None:
            found = await self._consumer._coordinator.fetch_committed_offsets(everywhere)  # noqa: SLF001 - with its notes
        if self._first_partitions is None:
            noted = noted_partitions(each.metadata for each in found.values())
            self._first_partitions = noted or len(everywhere)
        return {place: each.offset for place, each in found.items()}

    async def _starts(self, places: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Return the offset of `start` in each partition."""
        if isinstance(self._start, Oldest):
            beginnings: Mapping[TopicPartition, int] = await self._consumer.beginning_offsets(
                places
            )
            return beginnings
        ends: dict[TopicPartition, int] = await self._consumer.end_offsets(places)
        if isinstance(self._start, Since):
            times = dict.fromkeys(places, self._start.timestamp_ms)
            for place, found in (await self._consumer.offsets_for_times(times)).items():
                if found is not None:
                    ends[place] = found.offset
        return ends

    async def _topic_places(self) -> list[TopicPartition]:
        """Return the topic's partitions, after a refresh of the metadata if needed.

        Raises:
            LookupError: the topic does not exist.
        """
        numbers = self._consumer.partitions_for_topic(self._topic)
        if not numbers:
            await self._consumer._client.force_metadata_update()  # noqa: SLF001 - there is no other way
            numbers = self._consumer.partitions_for_topic(self._topic)
        if not numbers:
            raise LookupError(f"there is no topic {self._topic}")
        return [self._at(number) for number in sorted(numbers)]

    def _at(self, number: int) -> TopicPartition:
        return TopicPartition(self._topic, number)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """A listener that pauses new partitions until their start offsets are determined."""

    def __init__(
        self, consumer: AIOKafkaConsumer, place: Callable[[Collection[TopicPartition]], Any]
    ) -> None:
        self._consumer = consumer
        self._place = place

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Keep the ids, because a partition may be assigned again."""

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        self._consumer.pause(*assigned)
        try:
            await self._place(assigned)
        finally:
            self._consumer.resume(*assigned)
