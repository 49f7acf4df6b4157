"""Cascade detection: a pure function of the event log.

This package reads no clock, no setting and no topic. A worker runs one `PartitionDetector` for each
partition of the log that is assigned to it. `MarketDetector` evaluates the whole market from their
outputs and links cascades of assets to market cascades. `CascadeEngine` combines both for a log
that one process reads. `decode_observation` parses their input.
"""

from liq.processors.cascades.basic import BasicDetector
from liq.processors.cascades.config import DetectorConfig
from liq.processors.cascades.decoding import decode_observation
from liq.processors.cascades.engine import CascadeEngine
from liq.processors.cascades.market import MarketDetector
from liq.processors.cascades.partition import PartitionDetector
from liq.processors.cascades.snapshot_frame import SnapshotError

__all__ = [
    "BasicDetector",
    "CascadeEngine",
    "DetectorConfig",
    "MarketDetector",
    "PartitionDetector",
    "SnapshotError",
    "decode_observation",
]
