"""Sums of tallies of days that several processes played."""

from dataclasses import fields
from typing import TypeVar

Tally = TypeVar("Tally")


def merge(into: Tally, other: Tally) -> None:
    """Add every field of `other` to that of `into`: numbers, counters and lists.

    A field whose name begins with `longest_` becomes the greater of both.
    """
    for known in fields(into):  # type: ignore[arg-type]
        mine, theirs = getattr(into, known.name), getattr(other, known.name)
        is_greatest = known.name.startswith("longest_")
        setattr(into, known.name, max(mine, theirs) if is_greatest else mine + theirs)
