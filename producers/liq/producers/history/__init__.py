"""Histories of venues, which fill the gaps of their live feeds (docs/history.md).

This module exports what runs them. Other packages also import `kit` and `spec` (to declare a
history), `registry` and `settings` (the declared histories), and `gaps`.
"""

from liq.producers.history.run import CONDITION, run
from liq.producers.history.timing import DEFAULT_TIMING, HistoryTiming

__all__ = ["CONDITION", "DEFAULT_TIMING", "HistoryTiming", "run"]
