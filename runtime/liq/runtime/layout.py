"""The layout: the number of partitions of events, and the phase of a growth, on its own topic.

Every worker reads the topic before its first record. So all workers agree on the partition of an
asset's events, whatever their clients' metadata is. `liq topics grow` writes an announcement, and
workers answer it; docs/decisions/0017-growing-events.md has the steps.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeVar

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from liq.runtime.kafka import assign_from_beginning, new_consumer, start_consumer
from liq.runtime.log_reading import read_to_ends
from liq.runtime.partitions import find_partitions
from liq.runtime.sending import OutputRecord
from liq.runtime.settings import Settings

LAYOUT_KEY: Final = b"layout"
ANSWER_KEY: Final = "answer|"
PARTITION: Final = 0
MAX_PARTITIONS: Final = 10_000

Record = TypeVar("Record")


class Phase(StrEnum):
    """The phase of a growth.

    In `announced`, brokers add partitions, and keys still use the old number. In `pausing`,
    normalizers finish the records that they have begun. In `moving`, detectors hand over state, and
    the growth can no longer be cancelled.
    """

    STABLE = "stable"
    ANNOUNCED = "announced"
    PAUSING = "pausing"
    MOVING = "moving"


ORDER: Final = {Phase.ANNOUNCED: 0, Phase.PAUSING: 1, Phase.MOVING: 2, Phase.STABLE: 3}


@dataclass(frozen=True, slots=True)
class Layout:
    """The number of partitions that keys are spread over, and the target of a growth.

    `growth` is the id of the attempt. `since_ms` (UTC) is the start of its announcement or pause,
    or its end. `refused` is the reason why the last attempt was cancelled.
    """

    partitions: int
    phase: Phase = Phase.STABLE
    target: int = 0
    growth: str = ""
    since_ms: int = 0
    refused: str = ""

    @property
    def is_paused(self) -> bool:
        """Whether normalizers must not write events."""
        return self.phase in {Phase.PAUSING, Phase.MOVING}

    @property
    def most_partitions(self) -> int:
        """The number of partitions that may have records."""
        return self.target if self.phase is Phase.MOVING else self.partitions


@dataclass(frozen=True, slots=True)
class Answer:
    """A worker's confirmation that it follows a phase. `worker` is its client id."""

    worker: str
    growth: str
    phase: Phase


@dataclass(slots=True)
class LayoutLog:
    """The content of the topic; `layout` is None if events have never grown.

    A worker that was frozen may write an outdated step. All readers ignore such a record in the
    same way. `is_overwritten` is set if the topic's newest layout is outdated.
    """

    layout: Layout | None = None
    answers: dict[str, Answer] = field(default_factory=dict)
    is_overwritten: bool = False

    def note(self, key: bytes | None, value: bytes | None) -> None:
        """Apply a record of the topic; ignore a record that cannot be parsed."""
        if value is None:
            return
        if key == LAYOUT_KEY:
            layout = _layout(value)
            if layout is not None:
                self.is_overwritten = self.layout is not None and not follows(layout, self.layout)
                self.layout = self.layout if self.is_overwritten else layout
        elif (answer := _answer(value)) is not None:
            self.answers[answer.worker] = answer

    def has_answered(self, worker: str, layout: Layout) -> bool:
        """Return whether a worker has confirmed the phase of a layout."""
        answer = self.answers.get(worker)
        return answer is not None and (answer.growth, answer.phase) == (
            layout.growth,
            layout.phase,
        )


def follows(new: Layout, present: Layout) -> bool:
    """Return whether a layout is a valid next step from the present one, or a repeat of it."""
    if new == present:
        return True
    if new.growth != present.growth:
        return present.phase is Phase.STABLE and new.phase is Phase.ANNOUNCED
    if present.phase is Phase.STABLE:
        return False
    if new.phase is Phase.STABLE and new.partitions == present.partitions:
        return present.phase is not Phase.MOVING
    return ORDER[new.phase] >= ORDER[present.phase]


def layout_record(topic: str, layout: Layout) -> OutputRecord:
    """Return the record of a layout."""
    return OutputRecord(topic, LAYOUT_KEY, orjson.dumps(asdict(layout)), partition=PARTITION)


def answer_record(topic: str, answer: Answer) -> OutputRecord:
    """Return the record of an answer."""
    key = f"{ANSWER_KEY}{answer.worker}".encode()
    return OutputRecord(topic, key, orjson.dumps(asdict(answer)), partition=PARTITION)


def layout_place(settings: Settings) -> TopicPartition:
    """Return the only partition of the layout topic."""
    return TopicPartition(settings.topics.layout, PARTITION)


async def read_layout(settings: Settings) -> LayoutLog:
    """Read the topic to its end; return an empty log if the topic does not exist.

    Raises:
        KafkaError: the brokers do not answer.
    """
    found = LayoutLog()
    if not await find_partitions(settings, [settings.topics.layout]):
        return found
    consumer = new_consumer(settings)
    try:
        await start_consumer(settings, consumer)
        await read_layout_with(consumer, settings, found)
    finally:
        await consumer.stop()
    return found


async def read_layout_with(
    consumer: AIOKafkaConsumer, settings: Settings, found: LayoutLog
) -> None:
    """Read the topic to its present end into `found`, with the caller's consumer.

    Raises:
        KafkaError: the brokers do not answer.
    """
    place = layout_place(settings)
    end = await assign_from_beginning(consumer, place)
    async for record in read_to_ends(consumer, {place: end}):
        found.note(record.key, record.value)


async def write_record(producer: AIOKafkaProducer, record: OutputRecord) -> None:
    """Produce one record of the topic and wait until every replica has acknowledged it.

    Raises:
        KafkaError: the brokers reject the record.
    """
    await producer.send_and_wait(
        record.topic, record.value, key=record.key, partition=record.partition
    )


def _layout(value: bytes) -> Layout | None:
    return _read(
        value,
        lambda found: Layout(
            partitions=_count(found["partitions"]),
            phase=Phase(found["phase"]),
            target=_count(found["target"], least=0),
            growth=str(found["growth"]),
            since_ms=_count(found["since_ms"], least=0, most=2**53),
            refused=str(found["refused"]),
        ),
    )


def _answer(value: bytes) -> Answer | None:
    return _read(
        value,
        lambda found: Answer(str(found["worker"]), str(found["growth"]), Phase(found["phase"])),
    )


def _read(value: bytes, build: Callable[[Any], Record]) -> Record | None:
    try:
        return build(orjson.loads(value))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None


def _count(value: Any, *, least: int = 1, most: int = MAX_PARTITIONS) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{value!r} is no count")
    return value
