"""Cascade detection: a pure function of the event log.

Nothing here reads a clock, a setting or a topic. `partition.PartitionDetector` is what a worker
holds for each partition of the log; `detector.CascadeDetector` is the detector of one asset.
"""

from processors.cascades.config import DetectorConfig
from processors.cascades.detector import CascadeDetector
from processors.cascades.partition import PartitionDetector
from processors.cascades.snapshot import SnapshotError
from processors.cascades.state import AssetState

__all__ = ["AssetState", "CascadeDetector", "DetectorConfig", "PartitionDetector", "SnapshotError"]
