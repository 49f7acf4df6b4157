"""The venues, found among the modules of `processors.normalizers.exchanges`."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from processors.normalizers import exchanges
from processors.normalizers.venue import Venue


def _find_venues() -> dict[str, Venue]:
    venues: dict[str, Venue] = {}
    for module_info in iter_modules(exchanges.__path__, f"{exchanges.__name__}."):
        venue = getattr(import_module(module_info.name), "VENUE", None)
        if not isinstance(venue, Venue):
            raise TypeError(f"{module_info.name} must declare VENUE, a Venue.")
        if venue.exchange in venues:
            raise ValueError(f"Two modules declare the exchange {venue.exchange}.")
        venues[venue.exchange] = venue
    return venues


VENUES: Final = _find_venues()


def known_exchanges() -> tuple[str, ...]:
    """The exchanges whose frames can be normalized, in alphabetical order."""
    return tuple(sorted(VENUES))


def known_feeds(exchange: str) -> tuple[str, ...]:
    """The feeds of one of the known exchanges, in alphabetical order."""
    return tuple(sorted(VENUES[exchange].feeds))
