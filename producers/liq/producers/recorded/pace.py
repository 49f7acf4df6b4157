"""The pace of a replay: the recording's own, or a multiple of it."""

import asyncio
import math
from collections.abc import Iterator
from typing import Final

from liq.runtime.errors import ConfigurationError
from liq.schemas.units import SECOND_NS

MAX_SPEED: Final = "max"
HEARTBEATS_PER_SECOND: Final = 10


def parse_speed(text: str) -> float | None:
    """Parse a speed: `max` gives None (no waiting), else a multiple of the recorded pace.

    Raises:
        ConfigurationError: the text is neither `max` nor a number above 0.
    """
    if text == MAX_SPEED:
        return None
    try:
        factor = float(text)
    except ValueError:
        factor = math.nan
    if not (math.isfinite(factor) and factor > 0):
        raise ConfigurationError(f"The speed {text!r} is neither {MAX_SPEED} nor a number above 0.")
    return factor


def heartbeat_times(after_ns: int, until_ns: int, speed: float) -> Iterator[int]:
    """Yield the recorded times (ns) after `after_ns` and up to `until_ns` for heartbeats.

    They are whole seconds: every one, or at high speeds fewer, so that at most ten heartbeats are
    sent in a second of real time.
    """
    step_ns = max(1, math.ceil(speed / HEARTBEATS_PER_SECOND)) * SECOND_NS
    first = (after_ns // step_ns + 1) * step_ns
    yield from range(first, until_ns + 1, step_ns)


class Pace:
    """The conversion of recorded times to real time, counted from the first one."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._started: tuple[float, int] | None = None

    async def wait_until(self, recorded_ns: int, stop: asyncio.Event) -> None:
        """Wait until a recorded time is due, or until `stop` is set."""
        now = asyncio.get_running_loop().time()
        if self._started is None:
            self._started = (now, recorded_ns)
        started, first_ns = self._started
        due = started + (recorded_ns - first_ns) / SECOND_NS / self._speed
        if due <= now:
            return
        try:
            await asyncio.wait_for(stop.wait(), due - now)
        except TimeoutError:
            return
