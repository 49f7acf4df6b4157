"""The names of keys and fields in Redis; docs/redis.md lists them."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from liq.runtime.settings import Settings
from liq.schemas.units import HOUR_MS, MINUTE_MS

#: The version of the keys' content. It rises when an older reader would misread them.
LAYOUT: Final = "1"


@lru_cache(maxsize=4096)
def escaped(text: str) -> str:
    """Escape a text from outside, such as an asset's name, for use in a key or field.

    Bytes of UTF-8 other than letters, digits and `_.-~` become `%XX`. So different texts stay
    different, and the result contains no separator, wildcard of SCAN, blank or control character.
    """
    return quote(text, safe="")


@dataclass(frozen=True, slots=True)
class Layout:
    """The names of keys under one prefix. Each docstring has the type and content of the key."""

    prefix: str

    @classmethod
    def of(cls, settings: Settings) -> "Layout":
        """Return the layout from the settings."""
        return cls(settings.redis_prefix or settings.topic_namespace)

    @property
    def sink(self) -> str:
        """Hash: layout, clock of the log, and the positions of the sink."""
        return f"{self.prefix}:sink"

    @property
    def open(self) -> str:
        """Sorted set: ids of open cascades by the time of their newest record."""
        return f"{self.prefix}:open"

    @property
    def alerts(self) -> str:
        """Stream: cascade records."""
        return f"{self.prefix}:alerts"

    @property
    def detection(self) -> str:
        """String: the newest record of the progress of detection."""
        return f"{self.prefix}:detection"

    @property
    def refused(self) -> str:
        """Sorted set: refused records, by their time."""
        return f"{self.prefix}:refused"

    @property
    def last(self) -> str:
        """Sorted set: the newest liquidations of all assets."""
        return f"{self.prefix}:last"

    def last_of(self, asset: str) -> str:
        """Sorted set: the newest liquidations of an asset."""
        return f"{self.prefix}:last:{escaped(asset)}"

    def seen(self, time_ms: int) -> str:
        """Set: the ids of the liquidations of an hour that were counted."""
        return f"{self.prefix}:seen:{time_ms - time_ms % HOUR_MS}"

    def minute(self, time_ms: int) -> str:
        """Hash: sums of a minute."""
        return f"{self.prefix}:minute:{time_ms - time_ms % MINUTE_MS}"

    def levels(self, time_ms: int, asset: str) -> str:
        """Hash: sums of an asset's price levels in an hour."""
        return f"{self.prefix}:levels:{time_ms - time_ms % HOUR_MS}:{escaped(asset)}"

    def cascade(self, cascade_id: str) -> str:
        """Hash: the newest record of a cascade."""
        return f"{self.prefix}:cascade:{escaped(cascade_id)}"

    def venue(self, exchange: str) -> str:
        """Hash: the newest status of each connection of a venue."""
        return f"{self.prefix}:venue:{escaped(exchange)}"


def position_field(topic: str, partition: int) -> str:
    """Return the field of a partition's position in the hash `sink`."""
    return f"position:{topic}:{partition}"
