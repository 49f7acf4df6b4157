"""Which venues a process works on."""

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
