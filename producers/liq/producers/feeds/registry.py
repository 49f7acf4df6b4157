"""The registry of feeds: the modules of `liq.producers.feeds.venues`."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from liq.producers.feeds import FeedSpec, venues


def _find_feeds() -> dict[str, tuple[FeedSpec, ...]]:
    found: dict[str, tuple[FeedSpec, ...]] = {}
    for module_info in iter_modules(venues.__path__, f"{venues.__name__}."):
        feeds: tuple[FeedSpec, ...] = import_module(module_info.name).FEEDS
        [exchange] = {feed.exchange for feed in feeds}
        if exchange in found:
            raise ValueError(f"Two modules declare the exchange {exchange}.")
        found[exchange] = feeds
    return found


FEEDS: Final = _find_feeds()
ALL_FEEDS: Final = tuple(feed for feeds in FEEDS.values() for feed in feeds)


def producible_exchanges() -> tuple[str, ...]:
    """Return the exchanges with declared feeds, in alphabetical order."""
    return tuple(sorted(FEEDS))
