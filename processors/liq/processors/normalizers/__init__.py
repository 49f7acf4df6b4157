"""Pure functions from raw frames of exchanges to liquidations.

A venue is one module in `venues/`; docs/adding-a-venue.md explains how to write one.
"""

from liq.processors.normalizers.context import FrameMetadata, NormalizerConfig
from liq.processors.normalizers.folded import fold_rejections, one_rejection
from liq.processors.normalizers.instruments import InstrumentBook, load_snapshot
from liq.processors.normalizers.normalize import normalize, normalize_imported
from liq.processors.normalizers.registry import known_exchanges, known_feeds

__all__ = [
    "FrameMetadata",
    "InstrumentBook",
    "NormalizerConfig",
    "fold_rejections",
    "known_exchanges",
    "known_feeds",
    "load_snapshot",
    "normalize",
    "normalize_imported",
    "one_rejection",
]
