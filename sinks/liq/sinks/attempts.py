"""Retries of a destination's calls until they succeed, with its health."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeVar

from liq.runtime.health import Health
from liq.runtime.logs import get_logger
from liq.runtime.metrics import ERRORS, SINK_BREAKER, SINK_PAUSED, SINK_RETRIES
from liq.runtime.retry import Backoff, BackoffPolicy, BreakerState, CircuitBreaker, show_breaker
from liq.sinks.destination import Destination, Failure, FailureKind

BACKOFF: Final = BackoffPolicy(first_seconds=0.25, longest_seconds=10.0)
Result = TypeVar("Result")
log = get_logger(__name__)


class RowFailureError(Exception):
    """A record of the batch can never be stored; `failure` has the reason."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.sentence)
        self.failure = failure


class Attempts:
    """The back-off, breaker and health condition of one destination, for one call at a time."""

    def __init__(self, destination: Destination, health: Health) -> None:
        self._destination = destination
        name = destination.intake.name
        self._name = name
        self._failed_event = f"{name}_failed"
        self._recovered_event = f"{name}_recovered"
        self._health = health
        self._backoff = Backoff(BACKOFF)
        self._breaker = CircuitBreaker(show=partial(show_breaker, SINK_BREAKER))
        health.require(name, "not connected yet")

    @property
    def in_trouble(self) -> bool:
        """Whether the destination's last call failed."""
        return self._breaker.state is not BreakerState.CLOSED

    async def until_success(self, call: Callable[[], Awaitable[Result]]) -> Result:
        """Retry a call with a growing back-off until it succeeds; return its result.

        Raises:
            RowFailureError: a record can never be stored, so a retry is useless.
            Exception: any exception that the destination does not classify.
        """
        while True:
            try:
                result = await call()
            except Exception as error:
                failure = self._destination.classify(error)
                if failure is None:
                    raise
                if failure.kind is FailureKind.ROW:
                    self._recover()
                    raise RowFailureError(failure) from error
                await self._wait_out(failure)
                self._breaker.half_open()
            else:
                self._recover()
                return result

    async def _wait_out(self, failure: Failure) -> None:
        seconds = self._backoff.next_seconds()
        self._breaker.open()
        self._health.set(self._name, holds=False, reason=failure.sentence)
        SINK_PAUSED.set(1)
        SINK_RETRIES.labels(failure.label).inc()
        ERRORS.labels(self._name).inc()
        log.warning(
            self._failed_event,
            kind=failure.kind,
            reason=failure.sentence,
            attempt=self._backoff.attempts,
            retry_in_seconds=round(seconds, 2),
        )
        await asyncio.sleep(seconds)

    def _recover(self) -> None:
        if self.in_trouble:
            log.info(self._recovered_event, attempts=self._backoff.attempts)
        self._breaker.close()
        self._backoff.reset()
        self._health.set(self._name, holds=True, reason="answers")
        SINK_PAUSED.set(0)
