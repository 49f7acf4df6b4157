"""The circuit breaker between the sink and ClickHouse, as a state that metrics show."""

from enum import StrEnum

from liq.runtime.metrics import SINK_BREAKER


class BreakerState(StrEnum):
    """Whether ClickHouse is asked: always, not now, or once to see whether it works again."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """Opens with a failure, half-opens for the next attempt, closes with a success."""

    def __init__(self) -> None:
        self._state = BreakerState.CLOSED
        self._show()

    @property
    def state(self) -> BreakerState:
        """The present state."""
        return self._state

    def open(self) -> None:
        """An attempt failed: ask nothing for a while."""
        self._state = BreakerState.OPEN
        self._show()

    def half_open(self) -> None:
        """The while is over: the next attempt decides."""
        self._state = BreakerState.HALF_OPEN
        self._show()

    def close(self) -> None:
        """An attempt worked."""
        self._state = BreakerState.CLOSED
        self._show()

    def _show(self) -> None:
        for state in BreakerState:
            SINK_BREAKER.labels(state.value).set(1 if state is self._state else 0)
