"""The feeds that producers know, found among the modules of `liq.producers.exchanges`."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from liq.producers import exchanges
from liq.producers.feed import Feed


def _find_feeds() -> dict[str, tuple[Feed, ...]]:
    found: dict[str, tuple[Feed, ...]] = {}
    for module_info in iter_modules(exchanges.__path__, f"{exchanges.__name__}."):
        feeds: tuple[Feed, ...] = import_module(module_info.name).FEEDS
        [exchange] = {feed.exchange for feed in feeds}
        if exchange in found:
            raise ValueError(f"Two modules declare the exchange {exchange}.")
        found[exchange] = feeds
    return found


FEEDS: Final = _find_feeds()
ALL_FEEDS: Final = tuple(feed for feeds in FEEDS.values() for feed in feeds)


def producible_exchanges() -> tuple[str, ...]:
    """The exchanges that can be connected to, in alphabetical order."""
    return tuple(sorted(FEEDS))
