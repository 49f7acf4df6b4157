"""What every kind of record shares: the version of its form, and where an event came from."""

from dataclasses import dataclass
from typing import Final

SCHEMA_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Source:
    """The raw record that an event came from."""

    topic: str
    partition: int
    offset: int
