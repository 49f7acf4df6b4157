"""Moved to `liq.local_exchange.server`."""

from liq.local_exchange.server import LocalExchange

__all__ = ["LocalExchange"]
