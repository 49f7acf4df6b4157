"""Bounds of plausible times (UTC): a time outside them is in another unit, or damaged.

There are two lower bounds. No venue existed before 2010, so earlier frames and events are rejected.
ClickHouse stores rows from 2000 on, because their columns also have times of other clocks, such as
the append time of a broker with a wrong clock. Each later year would create a partition there.
"""

from typing import Final

EARLIEST_VENUE_MS: Final = 1_262_304_000_000  # 2010-01-01
EARLIEST_STORED_MS: Final = 946_684_800_000  # 2000-01-01
LATEST_MS: Final = 4_102_444_800_000  # 2100-01-01, exclusive
STORED_YEARS: Final = range(2000, 2100)
