"""A Faust worker process for one stage, from start to a clean stop."""

import asyncio
import os
import threading
from collections.abc import Iterable
from typing import Final, Literal, cast

import faust
from mode import Service

from liq.processors.stages.output import Output
from liq.processors.workers.agents import detect_app, normalize_app
from liq.processors.workers.faust_transport import EngineConsumer
from liq.runtime.health import Health
from liq.runtime.logs import get_logger
from liq.runtime.metrics import CONSUMER_LAG
from liq.runtime.settings import Settings
from liq.runtime.stall import ProgressReport

Stage = Literal["normalize", "detect"]
READ: Final[dict[Stage, str]] = {"normalize": "raw topics", "detect": "events and pulse"}
BEAT_SECONDS = 1.0
# Within the 30 s that a supervisor waits before it kills.
STOP_LIMIT_SECONDS = 25.0
EXIT_STOP_TIMED_OUT = 71

log = get_logger(__name__)


class Watch(Service):
    """Keeps health and lag up to date from the worker's own loop.

    It starts first and stops last: the loop turns while the others wait for Kafka.
    """

    def __init__(self, app: faust.App, health: Health, topics: str) -> None:
        """Report on `app`, which reads `topics`, to `health` and the metrics."""
        super().__init__()
        self._app = app
        self._health = health
        self._progress = ProgressReport(health, topics)

    @Service.task
    async def _beat(self) -> None:
        while not self.should_stop:
            self._health.beat()
            if self._app.started:
                self._report_lag()
            await self.sleep(BEAT_SECONDS)

    def _report_lag(self) -> None:
        lags = cast("EngineConsumer", self._app.consumer).lags()
        for partition, lag in lags.items():
            CONSUMER_LAG.labels(partition.topic, partition.partition).set(lag)
        self._progress.note(sum(lags.values()))


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
    output = Output(settings, f"{settings.group(stage)}-{settings.worker_slot}")
    services: list[Service] = [output]
    if stage == "normalize":
        app, instruments = normalize_app(settings, output, health, exchanges)
        services.append(instruments)
    else:
        app, status = detect_app(settings, output, health)
        services.append(status)
    log.info("worker_starting", stage=stage, group=settings.group(stage))
    watch = Watch(app, health, READ[stage])
    StageWorker(app, watch, *services).execute_from_commandline()
