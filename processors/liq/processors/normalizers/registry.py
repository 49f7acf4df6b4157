"""The registry of venues: the modules of `liq.processors.normalizers.venues`."""

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Final

from liq.processors.normalizers import venues
from liq.processors.normalizers.venue import Venue
from liq.schemas.vocabulary import Arrival

# mypyc puts a compiled module's code into a library whose name ends with this.
COMPILED_LIBRARY: Final = "__mypyc"


def find_venues(package: ModuleType) -> dict[str, Venue]:
    """Return the venues that the modules of a package declare, by exchange.

    Raises:
        TypeError: a module declares no venue.
        ValueError: two modules declare the same exchange.
    """
    found: dict[str, Venue] = {}
    for module_info in iter_modules(package.__path__, f"{package.__name__}."):
        if module_info.name.endswith(COMPILED_LIBRARY):
            continue
        venue = getattr(import_module(module_info.name), "VENUE", None)
        if not isinstance(venue, Venue):
            raise TypeError(f"{module_info.name} must declare VENUE, a Venue.")
        if venue.exchange in found:
            raise ValueError(f"Two modules declare the exchange {venue.exchange}.")
        found[venue.exchange] = venue
    return found


VENUES: Final = find_venues(venues)
#: The arrival of the events of histories, by exchange and feed.
LATE_FEEDS: Final = {
    (exchange, name): feed.arrival
    for exchange, venue in VENUES.items()
    for name, feed in venue.feeds.items()
    if feed.arrival is not Arrival.LIVE
}


def known_exchanges() -> tuple[str, ...]:
    """Return the exchanges whose frames can be normalized, in alphabetical order."""
    return tuple(sorted(VENUES))


def known_feeds(exchange: str) -> tuple[str, ...]:
    """Return the feeds of one of the known exchanges, in alphabetical order."""
    return tuple(sorted(VENUES[exchange].feeds))
