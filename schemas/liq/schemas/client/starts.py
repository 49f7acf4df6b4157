"""The start position of a reader without a committed offset."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Oldest:
    """Start with the oldest record of the topic."""


@dataclass(frozen=True, slots=True)
class Newest:
    """Start with the next record."""


@dataclass(frozen=True, slots=True)
class Since:
    """Start with the first record that was published at `timestamp_ms` (UTC) or later."""

    timestamp_ms: int


Start = Oldest | Newest | Since
