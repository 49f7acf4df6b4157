"""The declared histories, and the reasons why feeds without a history cannot be repaired."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from liq.producers.feeds.node import NODE_FEED
from liq.producers.feeds.registry import ALL_FEEDS
from liq.producers.history import venues
from liq.producers.history.positions import PositionsSpec
from liq.producers.history.spec import HistorySpec

_MODULES: Final = tuple(
    import_module(info.name) for info in iter_modules(venues.__path__, f"{venues.__name__}.")
)
HISTORIES: Final[tuple[HistorySpec, ...]] = tuple(
    spec for module in _MODULES for spec in module.HISTORIES
)
#: The declared lists of open positions.
POSITIONS: Final[tuple[PositionsSpec, ...]] = tuple(
    spec for module in _MODULES for spec in getattr(module, "POSITIONS", ())
)
#: The feeds (exchange and name) of venues that push nothing: their poll is the feed.
POLLED: Final = tuple(
    dict.fromkeys(
        (spec.exchange, spec.poll.feed)
        for spec in HISTORIES
        if spec.poll is not None and spec.poll.is_live
    )
)
#: Why a venue's gaps stay; measured or documented in 2026 (docs/history.md).
REASONS: Final = {
    "aster": "Aster publishes no history of liquidations",
    "binance": "Binance publishes no history of liquidations: allForceOrders is gone, and its "
    "archive of snapshots is empty",
    "bitget": "the unit of amounts in Bitget's history is not settled, so that it is not read",
    "bitmex": "BitMEX publishes no history of liquidations",
    "bybit": "Bybit publishes no history of liquidations",
    "extended": "Extended's public trades reach back 50 trades of a market only",
    "hyperliquid": "Hyperliquid's history is by account: it repairs `userFills` and no other feed; "
    "`liq import` reads a node's archive",
    "pacifica": "Pacifica's public trades reach back some minutes only",
}
_WITH_HISTORY: Final = frozenset((spec.exchange, spec.feed) for spec in HISTORIES)
_PUSHED: Final = (
    *((feed.exchange, feed.name) for feed in ALL_FEEDS),
    (NODE_FEED.exchange, NODE_FEED.name),
)
#: The reason for each feed (exchange and name) that no history repairs, so that every gap ends.
NO_HISTORY: Final = {
    (exchange, feed): REASONS[exchange]
    for exchange, feed in _PUSHED
    if (exchange, feed) not in _WITH_HISTORY
}
