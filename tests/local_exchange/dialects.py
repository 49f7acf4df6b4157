"""Moved to `liq.local_exchange.dialects`."""

from liq.local_exchange.dialects import DIALECTS, Dialect, dialect

__all__ = ["DIALECTS", "Dialect", "dialect"]
