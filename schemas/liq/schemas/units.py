"""Units of time, each named by the duration and the unit of its value."""

from typing import Final

MILLISECOND_NS: Final = 1_000_000
SECOND_NS: Final = 1_000_000_000
HALF_SECOND_MS: Final = 500
SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
HOUR_SECONDS: Final = 3_600
DAY_SECONDS: Final = 86_400
