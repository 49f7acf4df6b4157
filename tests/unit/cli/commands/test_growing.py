"""`liq topics grow`, killed anywhere and run again, and beside workers that leave."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from liq.cli import growing
from liq.cli.growing import Growing
from liq.runtime.errors import ConfigurationError, DependencyError
from liq.runtime.layout import (
    Answer,
    Layout,
    LayoutLog,
    Phase,
    answer_record,
    layout_place,
    layout_record,
)
from liq.runtime.settings import Settings

SETTINGS = Settings()
TOPICS = SETTINGS.topics
PLACE = layout_place(SETTINGS)
BEFORE, TARGET = 4, 12


class KilledError(Exception):
    """Ends the command at a step."""


@dataclass
class Cluster:
    """The layout's topic, the partitions of events, and workers that take their steps at a poll."""

    partitions: int = BEFORE
    workers: dict[str, set[str]] = field(
        default_factory=lambda: {"normalize": {"n0", "n1"}, "detect": {"d0", "d1"}}
    )
    #: Workers that answer nothing any more; the group drops them at its next question but one.
    stopped: set[str] = field(default_factory=set)
    killed_at: str = ""
    log: list[Any] = field(default_factory=list)
    questions: int = 0

    @property
    def found(self) -> LayoutLog:
        found = LayoutLog()
        for record in self.log:
            found.note(record.key, record.value)
        return found

    def step(self, name: str) -> None:
        """Kill the command at a step, once."""
        if self.killed_at == name:
            self.killed_at = ""
            raise KilledError

    def work(self) -> None:
        """Let the workers that run do what the layout asks of them."""
        layout = self.found.layout
        running = {stage: names - self.stopped for stage, names in self.workers.items()}
        if layout is None or layout.phase is Phase.STABLE:
            return
        for name in sorted(running["normalize"] | running["detect"]):
            if not self.found.has_answered(name, layout):
                self._add(answer_record(TOPICS.layout, Answer(name, layout.growth, layout.phase)))
        if not running["detect"]:
            return
        if layout.phase is Phase.PAUSING:
            self._add(layout_record(TOPICS.layout, replace(layout, phase=Phase.MOVING)))
        elif layout.phase is Phase.MOVING:
            self._add(layout_record(TOPICS.layout, Layout(layout.target, growth=layout.growth)))

    async def send_and_wait(self, topic: str, value: bytes, *, key: bytes, partition: int) -> None:
        assert (topic, partition) == (PLACE.topic, PLACE.partition)
        self._add(SimpleNamespace(key=key, value=value))
        layout = self.found.layout
        self.step(f"{layout.phase} written" if layout is not None else "")

    async def members_of(self, _: Settings, group: str) -> set[str]:
        self.questions += 1
        names = next(names for stage, names in self.workers.items() if group.endswith(stage))
        if self.questions > 2:
            names -= self.stopped
        return set(names)

    async def add_partitions(self, _: Settings, topics: Collection[str], count: int) -> None:
        assert TOPICS.events in topics
        self.partitions = max(self.partitions, count)
        self.step("partitions added")

    def _add(self, record: Any) -> None:
        self.log.append(SimpleNamespace(key=record.key, value=record.value, offset=len(self.log)))


class Reader:
    """A consumer of the layout's topic; workers take a step before each answer."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._position = 0

    async def position(self, _: TopicPartition) -> int:
        return self._position

    def seek(self, _: TopicPartition, offset: int) -> None:
        self._position = offset

    async def getmany(
        self, *_: TopicPartition, timeout_ms: int
    ) -> Mapping[TopicPartition, list[Any]]:
        assert timeout_ms > 0
        self._cluster.work()
        records = self._cluster.log[self._position :]
        self._position = len(self._cluster.log)
        return {PLACE: records} if records else {}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster()

    async def ends(*_: object) -> int:
        return len(made.log)

    async def described(*_: object) -> list[Any]:
        spec = SimpleNamespace(name=TOPICS.events)
        return [SimpleNamespace(spec=spec, partitions=made.partitions)]

    async def places(*_: object) -> list[TopicPartition]:
        return [TopicPartition(TOPICS.events, number) for number in range(made.partitions)]

    async def is_not_behind(_: Growing) -> None:
        return None

    monkeypatch.setattr(growing, "assign_from_beginning", ends)
    monkeypatch.setattr(growing, "describe_topics", described)
    monkeypatch.setattr(growing, "find_partitions", places)
    monkeypatch.setattr(growing, "members_of", made.members_of)
    monkeypatch.setattr(growing, "add_partitions", made.add_partitions)
    monkeypatch.setattr(Growing, "_check_lag", is_not_behind)
    return made


async def run(cluster: Cluster, target: int = TARGET, say: Callable[[str], None] = print) -> None:
    """Run the command, as a process of its own."""
    consumer, producer = (
        cast("AIOKafkaConsumer", Reader(cluster)),
        cast("AIOKafkaProducer", cluster),
    )
    await Growing(SETTINGS, consumer, producer, LayoutLog()).grow(("okx",), target, say)


def layouts(cluster: Cluster) -> list[Layout]:
    found = LayoutLog()
    seen = []
    for record in cluster.log:
        found.note(record.key, record.value)
        if found.layout is not None and found.layout not in seen:
            seen.append(found.layout)
    return seen


@pytest.mark.parametrize(
    "killed_at", ["announced written", "partitions added", "pausing written", ""]
)
async def test_a_command_that_was_killed_goes_on_with_the_same_growth(
    cluster: Cluster, killed_at: str
) -> None:
    cluster.killed_at = killed_at
    if killed_at:
        with pytest.raises(KilledError):
            await run(cluster)
    said: list[str] = []
    await run(cluster, say=said.append)
    assert said[-1] == f"{TOPICS.events} is spread over {TARGET} of its {TARGET} partitions."
    found = layouts(cluster)
    assert len({layout.growth for layout in found}) == 1
    phases = [layout.phase for layout in found]
    assert phases == [Phase.ANNOUNCED, Phase.PAUSING, Phase.MOVING, Phase.STABLE]
    assert (found[-1].partitions, cluster.partitions) == (TARGET, TARGET)
    await run(cluster, say=said.append)
    assert said[-1] == f"{TOPICS.events} has {TARGET} partitions already."


async def test_a_growth_under_way_is_not_taken_for_another(cluster: Cluster) -> None:
    cluster.killed_at = "announced written"
    with pytest.raises(KilledError):
        await run(cluster)
    with pytest.raises(ConfigurationError, match=f"grow --to {TARGET}"):
        await run(cluster, 2 * TARGET)


async def test_half_of_the_workers_stopped_hold_nothing_up_once_their_groups_drop_them(
    cluster: Cluster,
) -> None:
    cluster.stopped = {"n0", "d0"}
    await run(cluster)
    assert layouts(cluster)[-1].partitions == TARGET


async def test_without_a_detector_nothing_is_changed_until_one_is_back(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.stopped = {"d0", "d1"}
    monkeypatch.setattr(growing, "ANSWER_SECONDS", -1)
    with pytest.raises(DependencyError, match="Nothing was changed"):
        await run(cluster)
    assert (layouts(cluster)[-1].partitions, cluster.partitions) == (BEFORE, BEFORE)
    cluster.stopped.clear()
    cluster.workers["detect"] = {"d0"}
    monkeypatch.setattr(growing, "ANSWER_SECONDS", 30)
    await run(cluster)
    assert layouts(cluster)[-1].partitions == TARGET
