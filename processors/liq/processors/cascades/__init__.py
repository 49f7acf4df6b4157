"""Cascade detection: a pure function of the event log.

Nothing here reads a clock, a setting or a topic. `partition.PartitionDetector` is what a worker
holds for each partition of the log, `market.MarketDetector` judges what all of them say of the
whole market and links the cascades of assets to it, and `engine.CascadeEngine` is both together
for a log that is read in one piece. `decode_observation` reads what they look at.
"""

from liq.processors.cascades.basic import BasicDetector
from liq.processors.cascades.config import DetectorConfig
from liq.processors.cascades.decoding import decode_observation
from liq.processors.cascades.engine import CascadeEngine
from liq.processors.cascades.market import MarketDetector
from liq.processors.cascades.partition import PartitionDetector
from liq.processors.cascades.snapshot import SnapshotError

__all__ = [
    "BasicDetector",
    "CascadeEngine",
    "DetectorConfig",
    "MarketDetector",
    "PartitionDetector",
    "SnapshotError",
    "decode_observation",
]
