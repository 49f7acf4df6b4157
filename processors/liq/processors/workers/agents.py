"""The Faust app of each stage, and its agents with the topics that they read and write.

    liq process normalize

        raw.<exchange> --> normalize --> events
        (merged by time)             --> large      a copy of the large ones
                                     --> rejected   frames and entries without a readable event
                                     --> parked     frames of contracts that are not known yet
                             --> feeds      a feed of which no frame can be read any more

    liq process detect

        events --> detect --> watch                 early signs, published at once
                          --> cascades              alerts of assets, published at once
                          --> pulse                 sums of each second, and the same alerts
                          --> rejected
                          <-> detector-state        a partition for each events partition
        pulse  --> market --> cascades              alerts of the market, and links to it
                          --> rejected
                          <-> market-state
                          --> status                time up to which detection has decided
                          --> feeds                 a partition that detection waits for

An agent passes batches of Kafka messages to its stage (`stages/`). Faust assigns partitions and
commits offsets; the stages deliver through their own producer (docs/faust.md has the reasons).
`faust_app.new_app` sets the options of the apps, and `worker.run` runs one of them.
"""

import gc
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final, cast

import faust
from faust.types import TP

from liq.processors.normalizers import InstrumentBook, load_snapshot
from liq.processors.stages.detect import DetectStage
from liq.processors.stages.log_identity import LogPosition
from liq.processors.stages.market import MarketStage
from liq.processors.stages.normalize import NormalizeStage
from liq.processors.stages.output import Output
from liq.processors.workers.batches import handle_in_batches
from liq.processors.workers.faust_app import new_app
from liq.processors.workers.faust_transport import EngineConsumer, EngineTransport
from liq.processors.workers.instrument_follower import InstrumentFollower
from liq.processors.workers.status_writer import StatusWriter
from liq.runtime.health import Health
from liq.runtime.settings import Settings

#: The health condition that holds once the consumer group has assigned partitions.
CONDITION: Final = "assignment"
#: The most batches that await acknowledgement; `BatchSender` bounds the bytes of their output.
#: Batches of detection also await a checkpoint.
NORMALIZE_IN_FLIGHT: Final = 64
DETECT_IN_FLIGHT: Final = 1_000

Stream = faust.StreamT[bytes]


def normalize_app(
    settings: Settings, output: Output, health: Health, exchanges: Iterable[str]
) -> tuple[faust.App, InstrumentFollower]:
    """Return the app that normalizes frames to liquidations, and its follower of instruments.

    The follower updates the stage's contract metadata. It must start before the app.
    """
    app = new_app(settings, "normalize", merge=True)
    shipped = load_snapshot()

    def use_instruments(book: InstrumentBook) -> None:
        stage.use_instruments(book)

    follower = InstrumentFollower(settings, shipped, use_instruments, health)
    stage = NormalizeStage(settings, output, shipped, follower.wait_for)

    @app.agent(_topic(app, *map(settings.topics.raw, exchanges)), name="normalize")
    async def normalize(stream: Stream) -> None:
        await handle_in_batches(stream, stage.handle, NORMALIZE_IN_FLIGHT)

    _report_assignment(app, health)
    return app, follower


def detect_app(
    settings: Settings, output: Output, health: Health
) -> tuple[faust.App, StatusWriter]:
    """Return the app that detects cascades in liquidations, and the writer of its status."""
    app = new_app(settings, "detect", merge=False)
    topics = settings.topics
    events = AppGroup(app, topics.events)
    assets = DetectStage(settings, output, events)
    whole_market = MarketStage(settings, output, AppGroup(app, topics.pulse))

    @app.agent(_topic(app, topics.events), name="detect")
    async def detect(stream: Stream) -> None:
        await handle_in_batches(stream, assets.handle, DETECT_IN_FLIGHT)

    @app.agent(_topic(app, topics.pulse), name="market")
    async def market(stream: Stream) -> None:
        await handle_in_batches(stream, whole_market.handle, DETECT_IN_FLIGHT)

    transport = cast("EngineTransport", app.transport)
    transport.on_hurry(assets.hurry)
    transport.on_hurry(whole_market.hurry)

    @app.on_partitions_revoked.connect(weak=False)
    async def revoked(*_: Any, **__: Any) -> None:
        assets.release()
        whole_market.release()

    _report_assignment(app, health)
    return app, StatusWriter(settings, app, whole_market, events, output)


def _topic(app: faust.App, *names: str) -> faust.TopicT:
    return app.topic(*names, key_type=bytes, value_type=bytes)


@dataclass(frozen=True, slots=True)
class AppGroup:
    """The consumer group of an app, for a stage that reads one topic."""

    app: faust.App
    topic: str

    def assigned(self) -> set[int]:
        """Return the topic's partitions that are assigned to this worker now."""
        assignment = self.app.consumer.assignment()
        return {place.partition for place in assignment if place.topic == self.topic}

    async def committed_notes(self, partitions: Collection[int]) -> dict[int, str]:
        """Map each partition to the note committed with its offset."""
        consumer = cast("EngineConsumer", self.app.consumer)
        return await consumer.committed_notes([TP(self.topic, each) for each in partitions])

    async def positions(self, partitions: Collection[int]) -> dict[int, LogPosition]:
        """Map each partition to the log that the group reads and the offset at which it began."""
        consumer = cast("EngineConsumer", self.app.consumer)
        return await consumer.positions([TP(self.topic, each) for each in partitions])


def _report_assignment(app: faust.App, health: Health) -> None:
    health.require(CONDITION, "waiting for the consumer group")

    @app.on_partitions_assigned.connect(weak=False)
    async def assigned(_: Any, partitions: Iterable[Any], **__: Any) -> None:
        # Exclude loaded objects from collection: traversing them would block events for 50 ms.
        gc.collect()
        gc.freeze()
        count = len(list(partitions))
        health.set(CONDITION, holds=True, reason=f"{count} partitions assigned")
