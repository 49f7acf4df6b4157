"""Aster: Binance's dialect, of USD-M futures only."""

from typing import Final

from liq.devstack.exchange.dialect import Dialect
from liq.devstack.exchange.venues.binance.dialect import frame, respond

DIALECTS: Final = (
    Dialect(
        exchange="aster",
        feed="usdm",
        setting="ASTER_WS_URL",
        respond=respond,
        frame=frame,
        symbol="BTCUSDT",
        subscribes="!forceOrder@arr",
    ),
)
