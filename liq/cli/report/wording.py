"""Numbers and times in few characters."""

from datetime import datetime
from decimal import Decimal

UNITS = ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "k"))


def dollars(value: Decimal | float) -> str:
    """Return dollars with at most three digits: $1.25M, $830k, $12."""
    number = float(value)
    for size, unit in UNITS:
        # Numbers that round up to the unit are written in it.
        if abs(number) >= size * 0.9995:
            return f"${_three_digits(number / size)}{unit}"
    return f"${_three_digits(number)}" if number else "$0"


def percent(share: float) -> str:
    """Return a share as a whole percentage."""
    return f"{100 * share:.0f} %"


def level(price: Decimal) -> str:
    """Return a price level without trailing zeros."""
    text = f"{price:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def duration(seconds: float) -> str:
    """Return a duration in seconds, minutes or hours."""
    if seconds < 120:  # noqa: PLR2004 - two minutes
        return f"{seconds:.0f} s"
    if seconds < 7200:  # noqa: PLR2004 - two hours
        return f"{seconds / 60:.0f} min"
    return f"{round(seconds / 3600, 1):g} h"


def short_time(moment: datetime, step_seconds: int) -> str:
    """Return the label of a point on a time axis."""
    return moment.strftime("%m-%d" if step_seconds >= 86_400 else "%m-%d %H:%M")  # noqa: PLR2004 - a day


def _three_digits(number: float) -> str:
    if abs(number) >= 99.95:  # noqa: PLR2004 - the next digit would be a fourth
        return f"{number:.0f}"
    return f"{number:.1f}" if abs(number) >= 9.995 else f"{number:.2f}"  # noqa: PLR2004 - same
