"""Live producers: exchanges' websockets into Kafka.

`run` connects feeds (`feed_runner`, `connection`, `session`) with Kafka (`publisher`) and with the
outages of earlier processes (`coverage`).
"""

from liq.producers.live.clock import SystemClock
from liq.producers.live.publisher import Publisher
from liq.producers.live.rates import RateHeaders
from liq.producers.live.run import LiveRun, open_publisher, produce
from liq.producers.live.session import Session
from liq.producers.live.timing import DEFAULT_TIMING, Timing

__all__ = [
    "DEFAULT_TIMING",
    "LiveRun",
    "Publisher",
    "RateHeaders",
    "Session",
    "SystemClock",
    "Timing",
    "open_publisher",
    "produce",
]
