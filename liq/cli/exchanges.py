"""Which venues a process works on."""

from collections.abc import Iterable

from liq.processors.normalizers import known_exchanges
from liq.runtime.errors import ConfigurationError
from liq.runtime.settings import Settings


def configured_exchanges(settings: Settings) -> tuple[str, ...]:
    """The venues of the setting EXCHANGES, or every known one.

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


def chosen_exchanges(configured: tuple[str, ...], named: Iterable[str] | None) -> tuple[str, ...]:
    """The named venues among the configured ones, or all of them if none is named.

    Raises:
        ConfigurationError: a name is not among them.
    """
    chosen = tuple(dict.fromkeys(name.lower() for name in named or ()))
    unknown = [name for name in chosen if name not in configured]
    if unknown:
        raise ConfigurationError(
            f"There is no {', '.join(unknown)} among {', '.join(configured)}; see EXCHANGES."
        )
    return chosen or configured
