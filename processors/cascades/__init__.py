"""Cascade detection: a pure function of the event log.

Nothing here reads a clock, a setting or a topic. `partition.PartitionDetector` is what a worker
holds for each partition of the log, `market.MarketDetector` judges what all of them say of the
whole market and links the alerts of assets to it, and `engine.CascadeEngine` is both together
for a log that is read in one piece.
"""

from processors.cascades.basic import BasicDetector
from processors.cascades.config import DetectorConfig
from processors.cascades.engine import CascadeEngine
from processors.cascades.market import MarketDetector
from processors.cascades.partition import PartitionDetector
from processors.cascades.snapshot import SnapshotError

__all__ = [
    "BasicDetector",
    "CascadeEngine",
    "DetectorConfig",
    "MarketDetector",
    "PartitionDetector",
    "SnapshotError",
]
