"""A Faust worker process for one stage, from start to a clean stop."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterable
from typing import Any, Literal

import faust
from faust.types import TP
from mode import Service

from liq.processors.normalizers import load_snapshot
from liq.processors.stages.detect import DetectStage
from liq.processors.stages.market import MarketStage
from liq.processors.stages.normalize import NormalizeStage
from liq.processors.stages.output import Output
from liq.processors.workers.batches import handle_in_batches
from liq.processors.workers.faust_app import new_app
from liq.processors.workers.instrument_follower import InstrumentFollower
from liq.runtime.health import Health
from liq.runtime.logs import get_logger
from liq.runtime.metrics import CONSUMER_LAG
from liq.runtime.settings import Settings

Stage = Literal["normalize", "detect"]
BEAT_SECONDS = 1.0
# Within the 30 s that a supervisor waits before it kills.
STOP_LIMIT_SECONDS = 25.0
EXIT_STOP_TIMED_OUT = 71
#: The condition that holds once the consumer group has given us partitions.
CONDITION = "assignment"

log = get_logger(__name__)


class Watch(Service):
    """Keeps health and lag up to date from the worker's own loop."""

    def __init__(self, app: faust.App, health: Health) -> None:
        """Not ready until partitions are assigned."""
        super().__init__()
        self._app = app
        self._health = health
        health.require(CONDITION, "waiting for the consumer group")

    def assigned(self, partitions: Iterable[Any]) -> None:
        """Report the group's answer."""
        count = len(list(partitions))
        self._health.set(CONDITION, holds=True, reason=f"{count} partitions assigned")

    @Service.task
    async def _beat(self) -> None:
        while not self.should_stop:
            self._health.beat()
            self._report_lag()
            await self.sleep(BEAT_SECONDS)

    def _report_lag(self) -> None:
        monitor = self._app.monitor
        for partition, end in monitor.tp_end_offsets.items():
            read = monitor.tp_read_offsets.get(partition, -1)
            CONSUMER_LAG.labels(partition.topic, partition.partition).set(max(0, end - read - 1))


class StageWorker(faust.Worker):
    """Faust's worker, which leaves logging alone and never takes for ever to stop."""

    def __init__(self, app: faust.App, *services: Service) -> None:
        """`services` start before the app and stop after it."""
        super().__init__(app, *services, override_logging=False, quiet=True, redirect_stdouts=False)

    def _on_sigterm(self) -> None:
        _limit_stop()
        super()._on_sigterm()

    def _on_sigint(self) -> None:
        _limit_stop()
        super()._on_sigint()


def _limit_stop() -> None:
    """End the process if Faust hangs while it stops; nothing that counts is left undone then."""

    def give_up() -> None:
        log.error("stop_timed_out", limit_seconds=STOP_LIMIT_SECONDS)
        os._exit(EXIT_STOP_TIMED_OUT)

    timer = threading.Timer(STOP_LIMIT_SECONDS, give_up)
    timer.daemon = True
    timer.start()


def run(settings: Settings, stage: Stage, exchanges: Iterable[str], health: Health) -> None:
    """Run until SIGTERM or SIGINT, then exit; raises SystemExit with the exit code."""
    asyncio.set_event_loop(asyncio.new_event_loop())
    app = new_app(settings, stage, merge=stage == "normalize")
    output = Output(settings, f"{settings.group(stage)}-{settings.worker_slot}")
    watch = Watch(app, health)
    if stage == "normalize":
        stage_services = [_add_normalize(app, settings, output, watch, tuple(exchanges))]
    else:
        stage_services = []
        _add_detect(app, settings, output, watch)
    log.info("worker_starting", stage=stage, group=settings.group(stage))
    StageWorker(app, output, *stage_services, watch).execute_from_commandline()


def _add_normalize(
    app: faust.App, settings: Settings, output: Output, watch: Watch, exchanges: tuple[str, ...]
) -> InstrumentFollower:
    shipped = load_snapshot()
    stage = NormalizeStage(settings, output, shipped)
    raw = app.topic(
        *(settings.topics.raw(exchange) for exchange in exchanges),
        key_type=bytes,
        value_type=bytes,
    )

    @app.agent(raw, name="normalize")
    async def normalize_agent(stream: faust.StreamT[bytes]) -> None:
        await handle_in_batches(stream, stage.handle)

    @app.on_partitions_assigned.connect(weak=False)
    async def assigned(_: Any, partitions: Iterable[Any], **__: Any) -> None:
        watch.assigned(partitions)

    return InstrumentFollower(settings, shipped, stage.use_instruments)


def _add_detect(app: faust.App, settings: Settings, output: Output, watch: Watch) -> None:
    def is_assigned(topic: str) -> Callable[[int], bool]:
        return lambda partition: TP(topic, partition) in app.consumer.assignment()

    topics = settings.topics
    stage = DetectStage(settings, output, is_assigned(topics.events))
    market = MarketStage(settings, output, is_assigned(topics.pulse))
    events = app.topic(topics.events, key_type=bytes, value_type=bytes)
    pulses = app.topic(topics.pulse, key_type=bytes, value_type=bytes)

    @app.agent(events, name="detect")
    async def detect_agent(stream: faust.StreamT[bytes]) -> None:
        await handle_in_batches(stream, stage.handle)

    @app.agent(pulses, name="market")
    async def market_agent(stream: faust.StreamT[bytes]) -> None:
        await handle_in_batches(stream, market.handle)

    @app.on_partitions_revoked.connect(weak=False)
    async def revoked(*_: Any, **__: Any) -> None:
        stage.release()
        market.release()

    @app.on_partitions_assigned.connect(weak=False)
    async def assigned(_: Any, partitions: Iterable[Any], **__: Any) -> None:
        watch.assigned(partitions)
