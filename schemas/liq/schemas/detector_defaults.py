"""Default thresholds of cascade detection, shared by the settings and the detector.

docs/detection.md explains the effect of each of them.
"""

from decimal import Decimal
from typing import Final

WINDOW_SECONDS: Final = 60
MIN_EVENTS: Final = 5
MIN_VALUE_USD: Final = Decimal(100_000)
START_NATS: Final = 20.5
SCORE_GATE: Final = 18.0
# The limits of the settings. A window lasts at least two short windows of the detector, and at most
# the quiet time that ends a cascade. A start requires at least the evidence of a hot tick.
MIN_WINDOW_SECONDS: Final = 20
QUIET_SECONDS: Final = 90
HOT_NATS: Final = 2.0
