"""Growing moves assets between partitions and changes no record.

Detecting stages run the partitions of a log that grows, in batches, and crash between any two steps
of a checkpoint; the market's stage reads what they say. All that they publish is compared with what
one reader of the log as it was exported says, and, where the log is in the order of receipt, with
one that never heard of growing. Late writers that still spread assets over the old number change
nothing.
"""

import asyncio
import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from liq.cli.detection_order import DetectionOrder
from liq.processors.cascades import CascadeEngine, DetectorConfig, MarketDetector, PartitionDetector
from liq.processors.cascades.blind_venues import BlindVenues
from liq.processors.cascades.venue_clocks import VenueClocks
from liq.processors.stages.detect import DetectStage
from liq.processors.stages.detect_note import DetectNote
from liq.processors.stages.growth import owner_of
from liq.processors.stages.hooks import OwnedPartition
from liq.processors.stages.market import MarketProgress, MarketStage
from liq.processors.stages.output import Output
from liq.processors.stages.owned import Group
from liq.processors.stages.waiting import WaitingSources
from liq.runtime.sending import OutputRecord
from liq.runtime.settings import Settings
from liq.schemas.codec import decode, encode
from liq.schemas.headers import closing_headers, handoff_headers, resumed_headers
from liq.schemas.records import CascadeAlert, Liquidation
from liq.schemas.vocabulary import AlertType
from tests.property.cli.test_detection_order import by_one_reader
from tests.property.processors.cascades.test_links import QUIET_MS, log_of
from tests.support.cascade_events import START_MS
from tests.support.examples import examples
from tests.support.partitioned_log import Entry, PartitionedLog, log_record

SETTINGS = Settings()
TOPICS = SETTINGS.topics
CONFIG = DetectorConfig()
END_MS = START_MS + 500_000 + QUIET_MS
GROWTH = "a-growth"
Stored = dict[int, dict[bytes | None, bytes | None]]


class Crash(Exception):  # noqa: N818 - it is none of ours
    """The process ends here."""


@dataclass
class Topic:
    """What the state topic holds, and an output whose process may end after any record."""

    chance: random.Random
    crash_rate: float
    stored: Stored = field(default_factory=dict)
    most_sources: int = 0

    async def deliver(self, records: Sequence[OutputRecord]) -> None:
        """Store records of the state topic, perhaps not all of them."""
        places: dict[int | None, list[OutputRecord]] = {}
        for record in records:
            places.setdefault(record.partition, []).append(record)
        # Partitions are written side by side: any of them may be the one that is not reached.
        lists = list(places.values())
        self.chance.shuffle(lists)
        for together in lists:
            for record in together:
                self.may_end(self.crash_rate / 20)
                assert record.partition is not None
                self.stored.setdefault(record.partition, {})[record.key] = record.value

    def may_end(self, rate: float) -> None:
        """End the process now and then."""
        if self.chance.random() < rate:
            raise Crash

    async def read(self, partitions: Collection[int]) -> Any:
        """Stand where a store reads its topic."""
        return {each: dict(self.stored.get(each, {})) for each in partitions}, {}


@dataclass
class Worker:
    """Detects on one partition, and says what it publishes."""

    topic: Topic
    partition: int
    log: list[Any]
    committed: int = 0
    note: str = ""
    stage: DetectStage = field(init=False)
    owned: OwnedPartition[PartitionDetector] | None = None

    def __post_init__(self) -> None:
        self.stage = DetectStage(SETTINGS, cast(Output, self.topic), cast(Group, None))
        store = cast(Any, self.stage._store)
        store._read = self.topic.read

    async def run(self, end: int) -> list[OutputRecord]:
        """Detect up to an offset, crashes and repeats included."""
        said: list[OutputRecord] = []
        while self.committed < end:
            try:
                said += await self._batch(end)
            except Crash:
                self.owned = None
        return said

    async def _batch(self, end: int) -> list[OutputRecord]:
        chance = self.topic.chance
        if self.owned is None:
            [restored] = await self.stage._store.read([self.partition])
            state = await self.stage._restore(restored, self.note)
            await self.stage._store.claim(restored, "", CONFIG.identity)
            self.owned = OwnedPartition(self.partition, restored.epoch, state)
        size = chance.choice((1, 7, 40, 200))
        batch = self.log[self.committed : min(end, self.committed + size)]
        await self.stage._prepare([(self.owned, batch)])
        result = self.stage._apply(self.owned, batch)
        self.stage._owned = {self.partition: self.owned}
        snapshot = self.stage._capture()
        note = self.stage._note(self.owned.state)
        try:
            await self.topic.deliver(snapshot.passed_on)
            await self.topic.deliver(snapshot.records)
            self.topic.may_end(self.topic.crash_rate)
        except Crash:
            self.owned = None
            return result.records
        self.committed, self.note = self.committed + len(batch), note
        return result.records


@dataclass
class Grown:
    """A log that grows, and everything that workers publish of it."""

    chance: random.Random
    before: int
    after: int
    crash_rate: float = 0.1
    max_delay_ms: int = 20_000
    logs: list[list[Entry]] = field(default_factory=list)
    published: list[bytes] = field(default_factory=list)

    def run(self, events: Sequence[Liquidation], split_ms: int) -> None:
        """Write the log, and detect on it."""
        asyncio.run(self._run(events, split_ms))

    async def _run(self, events: Sequence[Liquidation], split_ms: int) -> None:
        old, new = self._placed(events, split_ms)
        self.logs = [[*log, closing_headers(GROWTH)] for log in old]
        topic = Topic(self.chance, self.crash_rate, most_sources=self.after)
        workers = [
            Worker(topic, number, _records(number, log)) for number, log in enumerate(self.logs)
        ]
        early = [await worker.run(len(worker.log)) for worker in workers]
        clock_ms = max(_note(worker).confirmed_clock_ms for worker in workers)
        for worker, log in zip(workers, self.logs, strict=True):
            log.append(handoff_headers(GROWTH, self.after, clock_ms=clock_ms))
            worker.log = _records(worker.partition, log)
        handed = [await worker.run(len(worker.log)) for worker in workers]
        venues, blind = VenueClocks(), BlindVenues()
        for note in map(_note, workers):
            venues.adopt(VenueClocks.from_text(note.venues))
            blind.adopt(BlindVenues.from_text(note.blind))
        headers = resumed_headers(
            GROWTH,
            self.after,
            clock_ms=clock_ms,
            venues=venues.to_text(),
            blind=blind.to_text(),
        )
        self.logs += [[] for _ in range(self.after - self.before)]
        for number, log in enumerate(self.logs):
            if number < self.before and self.chance.random() < 0.3:
                log.extend(old[number][-3:])  # of a normalizer that was frozen
            log.append(headers)
            log.extend(new[number])
            if self.chance.random() < 0.3:
                log.append(headers)  # of a step that was repeated
        again = [
            Worker(topic, number, _records(number, log)) for number, log in enumerate(self.logs)
        ]
        for worker, earlier in zip(again, workers, strict=False):
            worker.committed, worker.note = earlier.committed, earlier.note
            if self.chance.random() < 0.5:
                worker.owned = earlier.owned
        late = [await worker.run(len(worker.log)) for worker in again]
        self._judge(topic, [self._interleaved(each) for each in (early, handed, late)])
        self.published += [
            record.value or b""
            for records in (*early, *handed, *late)
            for record in records
            if record.topic == TOPICS.cascades
        ]

    def _placed(
        self, events: Sequence[Liquidation], split_ms: int
    ) -> tuple[list[list[Entry]], list[list[Entry]]]:
        """Return what old partitions have before the split, and all of them after it."""
        timed: list[list[tuple[int, Entry]]] = [[] for _ in range(self.after)]
        late: list[list[tuple[int, Entry]]] = [[] for _ in range(self.after)]
        for event in events:
            delay_ms = self.chance.choice((0, 0, 0, self.chance.randrange(self.max_delay_ms + 1)))
            at_ms = event.received_at_ms + delay_ms
            if at_ms < split_ms:
                timed[owner_of(event.base, self.before)].append((at_ms, encode(event)))
            else:
                late[owner_of(event.base, self.after)].append((at_ms, encode(event)))
                if self.chance.random() < 0.05:
                    # A normalizer that missed the growth writes it, too.
                    late[owner_of(event.base, self.before)].append((at_ms + 1, encode(event)))
            if self.chance.random() < 0.05:
                again_ms = at_ms + self.chance.randrange(30_000)
                count, log = (self.before, timed) if again_ms < split_ms else (self.after, late)
                log[owner_of(event.base, count)].append((again_ms, encode(event)))
        for at_ms in range(START_MS, END_MS, 1_000):
            self._beat(at_ms, timed[: self.before] if at_ms < split_ms else late)
        for lines in (*timed, *late):
            lines.sort(key=lambda entry: entry[0])
        for lines in late:
            lines.append((END_MS, END_MS))
        return (
            [[entry for _, entry in log] for log in timed[: self.before]],
            [[entry for _, entry in log] for log in late],
        )

    def _beat(self, at_ms: int, logs: Sequence[list[tuple[int, Entry]]]) -> None:
        """Write the heartbeats of a second into partitions; in a log out of order, some names."""
        if not self.max_delay_ms:
            for lines in logs:
                lines.append((at_ms, at_ms))
        elif self.chance.random() > 0.3:
            blind = ("okx",) if at_ms // 40_000 % 3 == 0 else ()
            for lines in logs:
                lines.append((at_ms, (at_ms, blind)))
                if self.chance.random() < 0.3:
                    # Of a second normalizer, which is behind and knows of other venues.
                    lines.append((at_ms + 4_000, (at_ms, self.chance.choice(((), ("bybit",))))))

    def _interleaved(self, said: list[list[OutputRecord]]) -> list[OutputRecord]:
        rest = [iter([each for each in items if each.topic == TOPICS.pulse]) for items in said]
        mixed: list[OutputRecord] = []
        while rest:
            chosen = self.chance.choice(rest)
            for _ in range(self.chance.randint(1, 200)):
                record = next(chosen, None)
                if record is None:
                    rest.remove(chosen)
                    break
                mixed.append(record)
        return mixed

    def _judge(self, topic: Topic, parts: list[list[OutputRecord]]) -> None:
        stage = MarketStage(SETTINGS, cast(Output, topic), cast(Group, None))
        sources = range(self.before)
        progress = MarketProgress(MarketDetector(CONFIG, sources), -1, WaitingSources(sources))
        pulses = [
            SimpleNamespace(
                topic=each.topic, offset=offset, timestamp=0, value=each.value, headers=each.headers
            )
            for offset, each in enumerate(record for part in parts for record in part)
        ]
        result = stage._apply(OwnedPartition(0, 1, progress), pulses)
        assert [each for each in result.records if each.topic == TOPICS.rejected] == []
        assert list(progress.detector.state.sources) == list(range(self.after))
        self.published += [
            each.value or b"" for each in result.records if each.topic == TOPICS.cascades
        ]

    def exported(self) -> list[bytes]:
        """The log as `liq export --as-detected` writes it."""

        async def lines() -> list[bytes]:
            log = PartitionedLog(self.chance, self.logs)
            return [line async for line in DetectionOrder(log, log.ends).lines()]

        return asyncio.run(lines())


def is_watch(value: bytes) -> bool:
    return decode(CascadeAlert, value).type is AlertType.WATCH


def _note(worker: Worker) -> DetectNote:
    return DetectNote.from_metadata(worker.note)


def _records(partition: int, log: Sequence[Entry]) -> list[Any]:
    return [log_record(partition, offset, entry) for offset, entry in enumerate(log)]


@settings(max_examples=examples(25), deadline=None)
@given(
    st.integers(0, 10**9),
    st.sampled_from(((1, 2), (1, 7), (2, 3), (3, 5), (4, 12))),
    st.integers(0, 500_000),
)
def test_a_log_that_grows_gives_the_records_of_one_reader(
    seed: int, counts: tuple[int, int], split_ms: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secrets
    grown = Grown(chance, *counts)
    grown.run(log_of(chance), START_MS + split_ms)
    expected = by_one_reader(grown.exported())
    assert set(grown.published) == {each for each in expected if not is_watch(each)}


@settings(max_examples=examples(15), deadline=None)
@given(
    st.integers(0, 10**9),
    st.sampled_from(((1, 2), (3, 5), (4, 12))),
    st.integers(0, 500_000),
)
def test_a_log_in_order_gives_what_it_had_given_without_growing(
    seed: int, counts: tuple[int, int], split_ms: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secrets
    events = log_of(chance)
    grown = Grown(chance, *counts, max_delay_ms=0)
    grown.run(events, START_MS + split_ms)
    engine = CascadeEngine(CONFIG)
    alerts: list[CascadeAlert] = []
    for place, event in enumerate(events):
        alerts += engine.apply(event, place)
    alerts += engine.heartbeat(END_MS, len(events))
    expected = {encode(each) for each in alerts if each.type is not AlertType.WATCH}
    assert set(grown.published) == expected


def test_cascades_are_open_while_the_log_grows() -> None:
    """What the properties compare has cascades that begin in one partition and end in another."""
    chance = random.Random(4)  # noqa: S311 - no secrets
    events = log_of(chance)
    split_ms = events[len(events) // 2].received_at_ms
    grown = Grown(chance, 4, 12)
    grown.run(events, split_ms)
    alerts = [decode(CascadeAlert, value) for value in set(grown.published)]
    moved = {
        each.cascade_id
        for each in alerts
        if each.asset and owner_of(each.asset, 4) != owner_of(each.asset, 12)
    }
    early = {each.cascade_id for each in alerts if each.timestamp_ms < split_ms}
    late = {each.cascade_id for each in alerts if each.timestamp_ms > split_ms}
    assert moved & early & late
