"""The note that the detecting stage commits with the offset of a partition.

It has what the records after that offset do not determine: the partition's clock, because a log may
be out of order; the lags of venues, which were learned from the records before; and the venues that
heartbeats named as blind.

    clock_ms=1752833850000 venues=... blind=...
    clock_ms=1752833850000<1752833840000       a jump of the clock that is not confirmed yet
"""

import re
from dataclasses import dataclass
from typing import Final, Self

from liq.runtime.log_notes import split_note

VENUES: Final = " venues="
BLIND: Final = " blind="
_match_clock: Final = re.compile(r"clock_ms=([0-9]{1,15})(?:<([0-9]{1,15}))?").fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectNote:
    """What a partition's detector needs besides its snapshots. The default is no knowledge.

    `clock_ms` is the time (UTC, ms) up to which the partition has decided, `jumped_from_ms` the
    clock before a jump that no second record has confirmed. `venues` and `blind` are texts of
    `VenueClocks` and `BlindVenues`.
    """

    clock_ms: int = 0
    jumped_from_ms: int | None = None
    venues: str = ""
    blind: str = ""

    @property
    def confirmed_clock_ms(self) -> int:
        """The clock (UTC, ms) before any unconfirmed jump."""
        return self.clock_ms if self.jumped_from_ms is None else self.jumped_from_ms

    def to_text(self) -> str:
        """Return the text to commit."""
        text = f"clock_ms={self.clock_ms}"
        if self.jumped_from_ms is not None:
            text = f"{text}<{self.jumped_from_ms}"
        if self.venues or self.blind:
            text = f"{text}{VENUES}{self.venues}"
        return f"{text}{BLIND}{self.blind}" if self.blind else text

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return the note in a text without the log's name; other programs' texts have no clock."""
        clock, _, others = text.partition(VENUES)
        venues, _, blind = others.partition(BLIND)
        found = _match_clock(clock)
        if found is None:
            return cls(venues=venues, blind=blind)
        clock_ms, jumped_from_ms = found.groups()
        return cls(
            clock_ms=int(clock_ms),
            jumped_from_ms=None if jumped_from_ms is None else int(jumped_from_ms),
            venues=venues,
            blind=blind,
        )

    @classmethod
    def from_metadata(cls, metadata: str | None) -> Self:
        """Return the note in the metadata of a committed offset."""
        note, _ = split_note(metadata)
        return cls.from_text(note)
