"""What a detector says about a day, in the form that the scorer judges."""

from dataclasses import dataclass, field

from liq.schemas.vocabulary import Side

ANY_ASSET = "*"
MARKET = ""


@dataclass(slots=True)
class Incident:
    """One reported cascade. `base` is an asset, the market, or anything (for a blind detector).

    `told_ms` are the starts and escalations that a user was notified of, `notifications` all
    messages sent, ends included. `end_ms` is the reported end of the cascade itself.
    """

    base: str
    side: Side | None
    told_ms: list[int]
    end_ms: int
    notifications: int
    watched_ms: list[int] = field(default_factory=list)
    score: float = 0.0
