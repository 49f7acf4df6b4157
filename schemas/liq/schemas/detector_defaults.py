"""Default thresholds of cascade detection, shared by the settings and the detector.

docs/detection.md explains what each of them decides.
"""

from decimal import Decimal
from typing import Final

WINDOW_SECONDS: Final = 60
MIN_EVENTS: Final = 5
MIN_VALUE_USD: Final = Decimal(100_000)
START_NATS: Final = 17.5
SCORE_GATE: Final = 22.0
# The limits of the settings: no window is shorter than two of the detector's short windows, or
# longer than the quiet time that ends a cascade; no cascade starts below the evidence that keeps
# one going.
MIN_WINDOW_SECONDS: Final = 20
QUIET_SECONDS: Final = 90
HOT_NATS: Final = 2.0
