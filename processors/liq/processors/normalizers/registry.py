"""The venues, found among the modules of `liq.processors.normalizers.venues`."""

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Final

from liq.processors.normalizers import venues
from liq.processors.normalizers.venue import Venue

# mypyc puts the code of a compiled module into a library of this name beside it.
COMPILED_LIBRARY: Final = "__mypyc"


def find_venues(package: ModuleType) -> dict[str, Venue]:
    """The venues that the modules of a package declare, by exchange.

    Raises:
        TypeError: a module declares none.
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


def known_exchanges() -> tuple[str, ...]:
    """The exchanges whose frames can be normalized, in alphabetical order."""
    return tuple(sorted(VENUES))


def known_feeds(exchange: str) -> tuple[str, ...]:
    """The feeds of one of the known exchanges, in alphabetical order."""
    return tuple(sorted(VENUES[exchange].feeds))
