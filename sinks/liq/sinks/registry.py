"""Which destinations there are. A destination's libraries are imported when it is chosen."""

from collections.abc import Sequence
from enum import StrEnum
from importlib import import_module
from typing import Final

from liq.runtime.settings import Settings
from liq.sinks.destination import Destination


class DestinationName(StrEnum):
    """The destinations that `liq sink` can load."""

    CLICKHOUSE = "clickhouse"


# The module of each; its `create` takes the settings and the exchanges whose topics exist.
MODULES: Final = {
    DestinationName.CLICKHOUSE: "liq.sinks.clickhouse.destination",
}


def create_destination(
    name: DestinationName, settings: Settings, exchanges: Sequence[str]
) -> Destination:
    """Import a destination and set it up, without a connection.

    Raises:
        ConfigurationError: a setting of the destination is wrong.
    """
    destination: Destination = import_module(MODULES[name]).create(settings, exchanges)
    return destination
