"""Aster: Binance's dialect, of USD-M futures only; a frame quoted 2026-09-18 has its old fields."""

from typing import Final

from liq.devstack.exchange.dialect import Dialect
from liq.devstack.exchange.venues.binance.dialect import forced_order, respond

DIALECTS: Final = (
    Dialect(
        exchange="aster",
        feed="usdm",
        setting="ASTER_WS_URL",
        respond=respond,
        frame=forced_order,
        symbol="BTCUSDT",
        subscribes="!forceOrder@arr",
    ),
)
