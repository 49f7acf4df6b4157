"""A node's files as a feed: what is told of it, and what its settings may be."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from liq.producers.feeds.limits import NO_LIMITS
from liq.producers.feeds.node import NODE_FEED
from liq.producers.live import node_runner as node_runner_module
from liq.producers.live.budget import ConnectionBudget
from liq.producers.live.context import ConnectionContext
from liq.producers.live.liveness import Activity, FeedActivity
from liq.producers.live.node_runner import NodeFiles, NodeRunner, node_files
from liq.producers.live.rates import RateHeaders
from liq.producers.live.session import SessionContext
from liq.producers.live.status import FeedReporter
from liq.producers.live.timing import Timing
from liq.producers.node import Positions
from liq.producers.node.positions import check_of
from liq.runtime.errors import ConfigurationError
from liq.runtime.retry import BackoffPolicy, CircuitBreaker
from liq.schemas.headers import FrameHeaders
from liq.schemas.records import FeedStatus
from liq.schemas.vocabulary import FeedEvent
from tests.support.node_files import (
    START_SECONDS,
    append,
    hour_file,
    liquidation_block,
    quiet_block,
)

QUICK = Timing(backoff=BackoffPolicy(first_seconds=0.001, longest_seconds=0.001))


class HandClock:
    """Stands where the test puts it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def now_ns(self) -> int:
        return int((START_SECONDS + self.seconds) * 1e9)


class Memory:
    """Keeps what is published."""

    def __init__(self) -> None:
        self.frames: list[tuple[bytes, FrameHeaders]] = []
        self.statuses: list[FeedStatus] = []

    async def frame(self, _key: bytes, value: bytes, headers: FrameHeaders) -> None:
        self.frames.append((value, headers))

    async def status(self, record: FeedStatus) -> None:
        self.statuses.append(record)

    @property
    def events(self) -> list[FeedEvent]:
        return [record.event for record in self.statuses]


class Scene:
    """A runner over a folder, and what comes of it."""

    def __init__(self, tree: Path) -> None:
        self.tree = tree
        self.clock = HandClock()
        self.memory = Memory()
        self.activity = Activity(
            {NODE_FEED.label: FeedActivity(NODE_FEED.exchange, NODE_FEED.silence_seconds)}
        )
        session = SessionContext(
            cast("Any", self.memory), self.activity, self.clock, QUICK, RateHeaders()
        )
        context = ConnectionContext(
            session,
            FeedReporter(self.memory.status, self.clock),
            CircuitBreaker(QUICK.breaker),
            "a",
            random.Random(1),  # noqa: S311 - jitter
            ConnectionBudget(NO_LIMITS),
        )
        self.runner = NodeRunner(NodeFiles(tree, positions=Positions()), context)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let the runner look again and again."""
        running = asyncio.create_task(self.runner.run())
        try:
            async with asyncio.timeout(60):
                while not condition():
                    assert not running.done()
                    await asyncio.sleep(0.001)
        finally:
            running.cancel()
            await asyncio.wait({running})


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(node_runner_module, "POLL_SECONDS", 0.001)
    return Scene(tmp_path)


async def test_lines_are_frames_with_a_cursor(scene: Scene) -> None:
    append(hour_file(scene.tree), quiet_block(1), liquidation_block(2))
    await scene.until(lambda: len(scene.memory.frames) == 1 and "=0" not in scene.runner.cursor)
    [(value, headers)] = scene.memory.frames
    assert value == liquidation_block(2)
    size = len(quiet_block(1)) + len(value) + 2
    place = f"20251010/21={size}#{check_of(value)}"
    assert headers.cursor.endswith(place)
    assert headers.feed == "nodeFills"
    assert scene.runner.cursor == f"time={START_SECONDS * 1_000},{place}"
    assert scene.memory.events == [FeedEvent.CONNECTED]


async def test_a_node_that_falls_silent_is_lost_until_it_writes(scene: Scene) -> None:
    append(hour_file(scene.tree), quiet_block(1))
    await scene.until(lambda: scene.activity.feeds[NODE_FEED.label].frames > 0)
    scene.clock.seconds = 61.0
    await scene.until(lambda: FeedEvent.LOST in scene.memory.events)
    lost = scene.memory.statuses[-1]
    assert lost.from_ms == START_SECONDS * 1_000
    assert scene.activity.feeds[NODE_FEED.label].connections == 0
    append(hour_file(scene.tree), quiet_block(2))
    await scene.until(lambda: scene.memory.events[-1] is FeedEvent.CONNECTED)
    assert scene.activity.feeds[NODE_FEED.label].connections == 1


async def test_blocks_that_are_missing_are_a_gap(scene: Scene) -> None:
    append(hour_file(scene.tree), quiet_block(1), quiet_block(9_000, seconds=900))
    scene.clock.seconds = 1_000.0
    await scene.until(lambda: FeedEvent.GAP in scene.memory.events)
    gap = scene.memory.statuses[-1]
    assert (gap.from_ms, gap.to_ms) == (START_SECONDS * 1_000, (START_SECONDS + 900) * 1_000)


async def test_files_that_cannot_be_read_are_told_and_read_later(scene: Scene) -> None:
    tree = scene.tree
    hidden = tree.with_name("hidden")
    append(hour_file(tree), liquidation_block(1))
    tree.rename(hidden)
    await scene.until(lambda: FeedEvent.LOST in scene.memory.events)
    hidden.rename(tree)
    await scene.until(lambda: bool(scene.memory.frames))
    assert scene.memory.events == [FeedEvent.LOST, FeedEvent.CONNECTED]


@pytest.mark.parametrize(
    ("start", "sentence"), [("oldest", "holds no fills"), ("yesterday", "--node-from")]
)
def test_wrong_settings_are_refused(tmp_path: Path, start: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        node_files(str(tmp_path / "nowhere"), start)
