"""The choice of a process's venues."""

from collections.abc import Iterable

from liq.processors.normalizers import known_exchanges
from liq.producers.feeds.registry import producible_exchanges
from liq.runtime.errors import ConfigurationError
from liq.runtime.settings import Settings


def configured_exchanges(settings: Settings) -> tuple[str, ...]:
    """Return the venues of the setting EXCHANGES, or all known venues.

    Raises:
        ConfigurationError: a name is unknown.
    """
    known = known_exchanges()
    unknown = [name for name in settings.exchanges if name not in known]
    if unknown:
        raise ConfigurationError(
            f"EXCHANGES names {', '.join(unknown)}; known are {', '.join(known)}."
        )
    return settings.exchanges or known


def pushed_exchanges(settings: Settings) -> tuple[str, ...]:
    """Return the venues of EXCHANGES that push feeds, or all such venues.

    A name that no venue has stays, so that the choice of feeds rejects it.

    Raises:
        ConfigurationError: all named venues are polled.
    """
    pushed = producible_exchanges()
    polled = set(known_exchanges()) - set(pushed)
    found = tuple(name for name in settings.exchanges if name not in polled)
    if settings.exchanges and not found:
        raise ConfigurationError(
            f"EXCHANGES names {', '.join(settings.exchanges)} only, which push no feed: "
            "`liq backfill` polls them."
        )
    return found or pushed


def chosen_exchanges(configured: tuple[str, ...], named: Iterable[str] | None) -> tuple[str, ...]:
    """Return the named venues, or all configured ones if no venue is named.

    Raises:
        ConfigurationError: a named venue is not configured.
    """
    chosen = tuple(dict.fromkeys(name.lower() for name in named or ()))
    unknown = [name for name in chosen if name not in configured]
    if unknown:
        raise ConfigurationError(
            f"There is no {', '.join(unknown)} among {', '.join(configured)}; see EXCHANGES."
        )
    return chosen or configured
