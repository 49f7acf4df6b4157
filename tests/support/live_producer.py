"""A live producer in a thread, with shorter time limits than a real one."""

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, Final

from liq.devstack.exchange.server import LocalExchange
from liq.producers.feeds.registry import FEEDS
from liq.producers.feeds.settings import Target, resolve_targets
from liq.producers.live import Timing, produce
from liq.runtime.health import Health
from liq.runtime.retry import BackoffPolicy, BreakerPolicy
from liq.runtime.settings import Settings

END_SECONDS: Final = 60.0
FAST: Final = Timing(
    backoff=BackoffPolicy(first_seconds=0.05, longest_seconds=0.1, shortest_seconds=0.05),
    breaker=BreakerPolicy(failures_to_open=6, first_pause_seconds=1.0, longest_pause_seconds=1.0),
    overlap=0.2,
    relist=0.2,
    peers=0.5,
)
#: For exchanges that never answer.
IMPATIENT: Final = replace(FAST, acknowledge=1.0)


def target(
    exchange: LocalExchange, environment: Mapping[str, str] | None = None, **changes: Any
) -> Target:
    """Return a feed with a changed declaration, connected to a local exchange."""
    dialect = exchange.dialect
    [feed] = [each for each in FEEDS[dialect.exchange] if each.name == dialect.feed]
    settings = {**exchange.environment, **(environment or {})}
    [found] = resolve_targets((replace(feed, **changes),), settings)
    return found


class LiveProducer:
    """A live producer that runs until `stop`, which raises the exception of an earlier end."""

    def __init__(self, settings: Settings, *chosen: Target, timing: Timing = FAST) -> None:
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ended: Future[None] = Future()
        self._work = produce(settings, chosen, Health(), self._stop, timing)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether the producer has not ended yet."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Stop the producer, which flushes, and raise its exception, if any."""
        if not self._ended.done():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._ended.result(END_SECONDS)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            try:
                runner.run(self._work)
            except Exception as error:  # noqa: BLE001 - `stop` raises it
                self._ended.set_exception(error)
            else:
                self._ended.set_result(None)
