"""The detection status, written every five seconds while this worker detects on the market.

The writer follows the wall clock and waits for no record. While no record arrives, or detection
does not decide, it continues to write statuses, whose times do not advance. A failure is counted
and does not end the worker; the next status follows as usual.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import faust
from aiokafka.errors import KafkaError
from faust.exceptions import ConsumerNotStarted
from mode import Service

from liq.processors.stages.market import MarketStage
from liq.processors.stages.output import Output
from liq.processors.stages.owned import Group, detector_config
from liq.processors.stages.status import MarketView, PartitionProgress, detection_status
from liq.processors.workers.group_progress import GroupProgress
from liq.runtime.logs import get_logger
from liq.runtime.metrics import DECIDED_AGE, DETECTION_WAITING, ERRORS, PARTITION_BEHIND
from liq.runtime.sending import OutputRecord
from liq.runtime.settings import Settings
from liq.schemas.cloud_events import status_headers
from liq.schemas.codec import encode
from liq.schemas.records import DetectionStatus
from liq.schemas.units import SECOND_MS

STATUS_SECONDS: Final = 5.0
#: A status does not include the brokers' answer if it takes longer.
ANSWER_SECONDS: Final = 3.0

log = get_logger(__name__)


class StatusWriter(Service):
    """A service that publishes the time up to which detection has decided."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a status is made of
        self,
        settings: Settings,
        app: faust.App,
        market: MarketStage,
        events: Group,
        output: Output,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Create the service; `market` provides the times, `events` the assigned partitions."""
        super().__init__()
        self._settings = settings
        self._app = app
        self._market = market
        self._events = events
        self._output = output
        self._now = now
        self._detector = detector_config(settings).identity
        self._progress = GroupProgress(settings)
        self._asking: asyncio.Future[dict[int, PartitionProgress]] | None = None

    async def on_stop(self) -> None:
        """Close this service's connections."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait({self._asking})
        await self._progress.close()

    @Service.timer(STATUS_SECONDS)
    async def _write(self) -> None:
        # In a rebalance, another worker may own the market, and its status must prevail.
        if not self._app.started or self._app.rebalancing:
            return
        try:
            await self.write()
        except ConsumerNotStarted:
            return
        except KafkaError as error:
            ERRORS.labels("detection_status").inc()
            log.warning("status_not_written", error=repr(error))

    async def write(self) -> None:
        """Write a status if this worker detects on the market.

        Raises:
            KafkaError: the brokers do not answer, or reject the record.
        """
        view = await self._market.view()
        if view is None:
            for gauge in (DECIDED_AGE, PARTITION_BEHIND, DETECTION_WAITING):
                gauge.clear()
            return
        progress = await self._ask()
        status = detection_status(
            view,
            progress,
            detector=self._detector,
            worker=self._settings.worker_slot,
            now_ms=int(self._now() * SECOND_MS),
            assigned_count=len(self._events.assigned()),
        )
        _show(view, status)
        await self._output.deliver(
            [
                OutputRecord(
                    self._settings.topics.status,
                    status.worker.encode(),
                    encode(status),
                    status_headers(status),
                )
            ]
        )

    async def _ask(self) -> dict[int, PartitionProgress]:
        """Return the progress of every partition; empty if the brokers do not answer in time.

        A slow request continues, because starting clients cannot be cancelled. The next status uses
        its answer. There is one request at a time.
        """
        asking = self._asking or asyncio.ensure_future(self._progress.ask())
        await asyncio.wait({asking}, timeout=ANSWER_SECONDS)
        self._asking = None if asking.done() else asking
        if not asking.done():
            ERRORS.labels("detection_progress").inc()
            log.warning("progress_unknown", error=f"no answer within {ANSWER_SECONDS:.0f} s")
            return {}
        try:
            return asking.result()
        except KafkaError as error:
            ERRORS.labels("detection_progress").inc()
            log.warning("progress_unknown", error=repr(error))
            await self._progress.close()
            return {}


def _show(view: MarketView, status: DetectionStatus) -> None:
    """Update the gauges."""
    for scope, until_ms in (
        ("assets", status.assets_decided_until_ms),
        ("market", status.market_decided_until_ms),
    ):
        if until_ms is not None:
            DECIDED_AGE.labels(scope).set((status.timestamp_ms - until_ms) / SECOND_MS)
    furthest = max(view.clocks.values(), default=0)
    for partition, second in view.clocks.items():
        # A partition without any clock is behind by an unknown time, and detection waits for it.
        PARTITION_BEHIND.labels(partition).set(furthest - second if second else 0)
        DETECTION_WAITING.labels(partition).set(int(partition in view.waiting))
