"""Live producers: receive frames from exchanges' websockets and publish them to Kafka.

`run` wires feeds (`feed_runner`, `connection`, `session`) to Kafka (`publisher`), and reads the
outages of earlier processes (`coverage`).
"""

from liq.producers.feeds.node import NODE_FEED
from liq.producers.live.clock import SystemClock
from liq.producers.live.node_runner import NodeFiles, node_files
from liq.producers.live.opening import open_publisher
from liq.producers.live.publisher import Publisher
from liq.producers.live.rates import RateHeaders
from liq.producers.live.run import CONDITIONS, LiveRun, exchanges_of, produce
from liq.producers.live.session import Session
from liq.producers.live.timing import DEFAULT_TIMING, Timing

__all__ = [
    "CONDITIONS",
    "DEFAULT_TIMING",
    "NODE_FEED",
    "LiveRun",
    "NodeFiles",
    "Publisher",
    "RateHeaders",
    "Session",
    "SystemClock",
    "Timing",
    "exchanges_of",
    "node_files",
    "open_publisher",
    "produce",
]
