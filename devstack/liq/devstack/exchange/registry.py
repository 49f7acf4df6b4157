"""The dialects of all venues, discovered in the folders of `liq.devstack.exchange.venues`."""

from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from types import ModuleType
from typing import Final

from liq.devstack.exchange import venues
from liq.devstack.exchange.dialect import Dialect
from liq.devstack.exchange.past import Past


def find_dialects(package: ModuleType) -> tuple[Dialect, ...]:
    """Return the dialects that the venue folders of a package declare, by folder.

    The folder of a venue that pushes nothing has a `past.py` only.

    Raises:
        ModuleNotFoundError: a folder has neither a `dialect.py` nor a `past.py`.
        TypeError: a folder's `dialect.py` declares no dialect.
        ValueError: a folder declares a dialect of an exchange with another name.
    """
    found: list[Dialect] = []
    for folder in iter_modules(package.__path__):
        name = f"{package.__name__}.{folder.name}.dialect"
        if find_spec(name) is None and find_spec(f"{package.__name__}.{folder.name}.past"):
            continue
        dialects = getattr(import_module(name), "DIALECTS", ())
        if not dialects or not all(isinstance(each, Dialect) for each in dialects):
            raise TypeError(f"{name} must declare DIALECTS, a tuple of Dialect.")
        if exchanges := {each.exchange for each in dialects} - {folder.name}:
            raise ValueError(f"{name} declares {', '.join(exchanges)}; its folder is another's.")
        found.extend(dialects)
    return tuple(found)


DIALECTS: Final = find_dialects(venues)


def dialect(exchange: str, feed: str) -> Dialect:
    """Return the dialect of a feed."""
    [found] = [each for each in DIALECTS if (each.exchange, each.feed) == (exchange, feed)]
    return found


def find_pasts(package: ModuleType) -> tuple[Past, ...]:
    """Return the histories that the venue folders of a package declare, by folder."""
    names = [f"{package.__name__}.{folder.name}.past" for folder in iter_modules(package.__path__)]
    modules = [import_module(name) for name in names if find_spec(name) is not None]
    return tuple(past for module in modules for past in module.PASTS)


def past(exchange: str, feed: str) -> Past:
    """Return how the history of a feed answers."""
    pasts = find_pasts(venues)
    [found] = [each for each in pasts if (each.exchange, each.feed) == (exchange, feed)]
    return found
