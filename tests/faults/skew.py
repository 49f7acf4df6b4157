"""Wrong clocks for processes: the environment that gives a worker one."""

from pathlib import Path
from typing import Final

SKEWED_CLOCK: Final = Path(__file__).parent / "skewed_clock"


def skewed(seconds: int, *, step_after_seconds: float = 0, to: int | None = None) -> dict[str, str]:
    """Return the environment of a process whose clock is so much ahead.

    With `to`, the clock is set once, so long after the start, to be so much ahead from then on.
    """
    environment = {"PYTHONPATH": str(SKEWED_CLOCK), "CLOCK_SKEW_SECONDS": str(seconds)}
    if to is not None:
        environment["CLOCK_STEP_AFTER_SECONDS"] = str(step_after_seconds)
        environment["CLOCK_STEP_SECONDS"] = str(to)
    return environment
