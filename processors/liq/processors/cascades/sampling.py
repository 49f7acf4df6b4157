"""An estimate, with a range, of the dollars that sampled feeds did not publish.

The shares are those of Bybit's complete stream of 2026-07-08 to 07-10, thinned by each rule
(docs/detection.md). A venue with an unknown rule has no estimate. The range begins at the published
dollars, because no venue publishes more than happened.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from liq.processors.cascades.totals import GroupTotal
from liq.schemas.units import SECOND_MS


@dataclass(frozen=True, slots=True)
class Kept:
    """The share of dollars that a sampling rule publishes.

    `pooled` is the share over all cascades together. Fewer than one cascade in ten has a share
    below `least`.
    """

    least: float
    pooled: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """The estimated cents, the ends of the range, and the venues without an estimate."""

    cents: int
    low_cents: int
    high_cents: int
    not_estimated: tuple[str, ...]


_ALL: Final = Kept(1.0, 1.0)
#: The venue publishes the largest order of each symbol and second.
_LARGEST: Final = Kept(0.5, 0.78)
#: The venue publishes the latest order: too wide for an estimate, since the share lies between
#: 1 and 95 % of the dollars in nine of ten cascades.
_LATEST: Final = None


def _day(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp()) * SECOND_MS


#: The rule of a venue from a time on (UTC, ms), the newest first (docs/venues.md has the sources).
_RULES: Final[Mapping[str, tuple[tuple[int, Kept | None], ...]]] = {
    "binance": ((_day(2026, 4, 14), _LARGEST), (_day(2021, 4, 27), _LATEST)),
    "bitfinex": ((0, _ALL),),
    "bitget": ((0, _LARGEST),),
    "bitmex": ((0, _ALL),),
    "bybit": ((_day(2025, 2, 25), _ALL), (_day(2021, 9, 1), _LATEST)),
    "coinex": ((0, _ALL),),
    "deribit": ((0, _ALL),),
    "dydx": ((0, _ALL),),
    "extended": ((0, _ALL),),
    "kraken": ((0, _ALL),),
    "lighter": ((0, _ALL),),
    "orderly": ((0, _ALL),),
    "pacifica": ((0, _ALL),),
    "paradex": ((0, _ALL),),
}


def estimate(groups: Mapping[str, GroupTotal], total_cents: int, onset_ms: int) -> Estimate | None:
    """Estimate a cascade's true dollars; None without a venue of a known, partial share.

    `groups` are the totals by venue, `total_cents` the total of all. The cents of a slow cascade's
    first minutes may be missing in `groups`; they count as published.
    """
    cents = high = float(total_cents - sum(total.cents for total in groups.values()))
    kept_by_venue = {venue: kept_share(venue, onset_ms) for venue in sorted(groups)}
    if not any(kept not in {None, _ALL} for kept in kept_by_venue.values()):
        return None
    for venue, kept in kept_by_venue.items():
        share, of_venue = kept or _ALL, groups[venue].cents
        cents += of_venue / share.pooled
        high += of_venue / share.least
    unknown = tuple(venue for venue, kept in kept_by_venue.items() if kept is None)
    return Estimate(round(cents), total_cents, round(high), unknown)


def kept_share(venue: str, time_ms: int) -> Kept | None:
    """Return the share that a venue published at a time (UTC, ms); None if it is unknown."""
    for since_ms, kept in _RULES.get(venue, ()):
        if time_ms >= since_ms:
            return kept
    return None
