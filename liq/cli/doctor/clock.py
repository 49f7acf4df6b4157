"""The check of this host's clock against those of venues, brokers and ClickHouse."""

from collections.abc import Mapping
from statistics import median
from typing import Final

from liq.cli.doctor.findings import Check, Level
from liq.cli.doctor.judgement import CLOCK_FAILED_MS, CLOCK_WARNING_MS

CHECK: Final = "clock"


def consensus_ms(witnesses: Mapping[str, int]) -> int | None:
    """Return this host's clock minus the others' (ms): the median, so that one may be wrong.

    Each offset includes the latency of the frames, some tenths of a second.
    """
    return round(median(witnesses.values())) if witnesses else None


def clock_check(witnesses: Mapping[str, int]) -> Check:
    """Return the check of this host's clock, given its offsets (ms) from others by name."""
    offset_ms = consensus_ms(witnesses)
    if offset_ms is None:
        text = "Nothing that was heard says its time; listen longer, or to more venues."
        return Check(CHECK, Level.SKIPPED, text)
    seconds = f"{abs(offset_ms) / 1_000:.1f} s"
    by = f"{len(witnesses)} clocks" if len(witnesses) > 1 else next(iter(witnesses))
    if abs(offset_ms) <= CLOCK_WARNING_MS:
        text = f"This machine's clock agrees with {by}, within {seconds} with the way of frames."
        return Check(CHECK, Level.OK, text)
    word = "ahead of" if offset_ms > 0 else "behind"
    level = Level.FAILED if abs(offset_ms) > CLOCK_FAILED_MS else Level.WARNING
    mend = "set it with NTP" if len(witnesses) > 1 else "set it with NTP, or ask more venues"
    return Check(CHECK, level, f"This machine's clock is {seconds} {word} {by}; {mend}.")
