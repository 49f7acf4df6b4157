"""The Faust worker process of one stage, from start to a clean stop."""

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
from liq.processors.workers.grower import Grower
from liq.processors.workers.layout_follower import LayoutFollower
from liq.runtime.health import Health
from liq.runtime.kafka_refusal import why_refused
from liq.runtime.logs import get_logger
from liq.runtime.metrics import CONSUMER_LAG
from liq.runtime.settings import Settings
from liq.runtime.stall import ProgressReport

Stage = Literal["normalize", "detect"]
READ: Final[dict[Stage, str]] = {"normalize": "raw topics", "detect": "events and pulse"}
BEAT_SECONDS = 1.0
# Less than the 30 s after which supervisors kill a process.
STOP_LIMIT_SECONDS = 25.0
EXIT_STOP_TIMED_OUT = 71

log = get_logger(__name__)


class Watch(Service):
    """A service that keeps health and lag up to date from the worker's event loop.

    It starts first and stops last, so it also beats while the other services wait for Kafka.
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
    """Faust's worker, without its configuration of logging, and with a limit on its stop."""

    def __init__(self, app: faust.App, *services: Service) -> None:
        """Create a worker; `services` start before the app and stop after it."""
        super().__init__(app, *services, override_logging=False, quiet=True, redirect_stdouts=False)
        # The spinner writes terminal escapes into the log, also without a terminal.
        self.spinner = None

    def _on_sigterm(self) -> None:
        _limit_stop()
        super()._on_sigterm()

    def _on_sigint(self) -> None:
        _limit_stop()
        super()._on_sigint()


def _limit_stop() -> None:
    """End the process if Faust hangs in its stop; uncommitted records are read again."""

    def give_up() -> None:
        log.error("stop_timed_out", limit_seconds=STOP_LIMIT_SECONDS)
        os._exit(EXIT_STOP_TIMED_OUT)

    timer = threading.Timer(STOP_LIMIT_SECONDS, give_up)
    timer.daemon = True
    timer.start()


def run(settings: Settings, stage: Stage, exchanges: Iterable[str], health: Health) -> None:
    """Run until SIGTERM or SIGINT, then exit.

    Raises:
        DependencyError: the brokers revoked a right that the worker needs.
        SystemExit: the worker has ended otherwise; it has the exit code.
    """
    asyncio.set_event_loop(asyncio.new_event_loop())
    output = Output(settings, f"{settings.group(stage)}-{settings.worker_slot}")
    services: list[Service] = [output]
    if stage == "normalize":
        app, instruments = normalize_app(settings, output, health, exchanges)
        services += [LayoutFollower(settings, app, output, stage, pauses=True), instruments]
    else:
        app, status = detect_app(settings, output, health)
        follower = LayoutFollower(settings, app, output, stage, pauses=False)
        services += [follower, status, Grower(settings, app, follower, output)]
    log.info("worker_starting", stage=stage, group=settings.group(stage))
    watch = Watch(app, health, READ[stage])
    worker = StageWorker(app, watch, *services)
    try:
        worker.execute_from_commandline()
    except SystemExit as end:
        refused = why_refused(settings, worker.crash_reason) if worker.crash_reason else None
        if refused is not None:
            raise refused from end
        raise
