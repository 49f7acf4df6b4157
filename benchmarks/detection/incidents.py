"""A detector's reports of a day, in the form that the scorer evaluates."""

from dataclasses import dataclass, field

from liq.schemas.vocabulary import Side

ANY_ASSET = "*"


@dataclass(slots=True)
class Incident:
    """A reported cascade. `base` is an asset, the market, or any asset (for a blind detector).

    `told_ms` are the times of messages about starts and escalations, `notifications` is the number
    of all messages, ends included. `told_by_parent_ms` are the times of messages of a market
    cascade into which starts and escalations of this one are folded; they count as messages of the
    market. `end_ms` is the reported end of the cascade itself, `open_until_ms` the time at which a
    reader learns of the end, or must assume it. `onset_ms` is the reported onset. `watched_ms` are
    the early signs before the start.
    """

    base: str
    side: Side | None
    told_ms: list[int]
    end_ms: int
    notifications: int
    watched_ms: list[int] = field(default_factory=list)
    score: float = 0.0
    open_until_ms: int = 0
    onset_ms: int = 0
    told_by_parent_ms: list[int] = field(default_factory=list)
