"""The list of destinations. A destination's libraries are imported only when it is chosen."""

from collections.abc import Sequence
from enum import StrEnum
from importlib import import_module
from typing import Final

from liq.runtime.errors import ConfigurationError
from liq.runtime.settings import Settings
from liq.sinks.destination import Destination


class DestinationName(StrEnum):
    """The destinations that `liq sink` can load."""

    CLICKHOUSE = "clickhouse"
    REDIS = "redis"


# The module of each destination; its `create` takes the settings and the exchanges with topics.
MODULES: Final = {
    DestinationName.CLICKHOUSE: "liq.sinks.clickhouse.destination",
    DestinationName.REDIS: "liq.sinks.redis.destination",
}


def create_destination(
    name: DestinationName, settings: Settings, exchanges: Sequence[str]
) -> Destination:
    """Import and configure a destination, without connecting.

    Raises:
        ConfigurationError: a setting of the destination is wrong, or its library is missing.
    """
    try:
        module = import_module(MODULES[name])
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"`liq sink {name}` needs {error.name}: pip install 'liquidation-engine[{name}]'."
        ) from error
    destination: Destination = module.create(settings, exchanges)
    return destination
