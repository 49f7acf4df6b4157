"""Reference bursts of a recording, and the timeliness of a detector's messages in them.

A recording has no planted truth. Instead, a rule in hindsight defines a reference burst:
liquidations of one asset and side without a pause longer than a gap, on enough venue-seconds
(distinct venue and second), worth enough dollars. A detector decides without hindsight, and a
detector could imitate one rule, so the figures cover several floors and gaps.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from statistics import mean, median
from typing import Final, NamedTuple

from benchmarks.detection.incidents import Incident
from liq.processors.backtesting.dollars import MARKET
from liq.processors.cascades.observation import Observation
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import Side

LEAST_VENUE_SECONDS: Final = 12
FLOORS_CENTS: Final = (15_000_000, 25_000_000, 50_000_000)
GAPS_MS: Final = (15_000, 30_000, 60_000)
FLOOR_CENTS: Final = 25_000_000
GAP_MS: Final = 30_000


@dataclass(frozen=True, slots=True)
class Burst:
    """A reference burst: the venues' times of its liquidations in order, and their cents."""

    base: str
    side: Side
    times_ms: tuple[int, ...]
    cents: tuple[int, ...]

    @property
    def start_ms(self) -> int:
        """The time of the first liquidation."""
        return self.times_ms[0]

    @property
    def end_ms(self) -> int:
        """The time of the last liquidation."""
        return self.times_ms[-1]

    def still_to_come(self, at_ms: int) -> float:
        """Return the share of the dollars that is liquidated after a time (UTC, ms)."""
        gone = sum(self.cents[: bisect_right(self.times_ms, at_ms)])
        return 1 - gone / sum(self.cents)

    def time_of_share(self, share: float) -> int:
        """Return the time (UTC, ms) by which at least a share of the dollars is liquidated."""
        wanted = share * sum(self.cents)
        sums = accumulate(self.cents)
        return next(at for at, gone in zip(self.times_ms, sums, strict=True) if gone >= wanted)


class _Event(NamedTuple):
    at_ms: int
    exchange: str
    cents: int


def reference_bursts(
    observations: Iterable[Observation],
    *,
    floor_cents: int = FLOOR_CENTS,
    gap_ms: int = GAP_MS,
) -> list[Burst]:
    """Return the reference bursts of a recording by start; an event id counts once."""
    lanes: dict[tuple[str, Side], list[_Event]] = defaultdict(list)
    seen: set[str] = set()
    for event in observations:
        if event.event_id not in seen:
            seen.add(event.event_id)
            lanes[event.base, event.side].append(
                _Event(event.timestamp_ms, event.exchange, event.cents)
            )
    bursts = [
        Burst(
            base,
            side,
            tuple(event.at_ms for event in run),
            tuple(event.cents for event in run),
        )
        for (base, side), events in lanes.items()
        for run in _runs(sorted(events), gap_ms)
        if _is_burst(run, floor_cents)
    ]
    return sorted(bursts, key=lambda burst: (burst.start_ms, burst.base, burst.side))


def _runs(events: Sequence[_Event], gap_ms: int) -> list[list[_Event]]:
    runs: list[list[_Event]] = []
    for event in events:
        if runs and event.at_ms - runs[-1][-1].at_ms <= gap_ms:
            runs[-1].append(event)
        else:
            runs.append([event])
    return runs


def _is_burst(run: Sequence[_Event], floor_cents: int) -> bool:
    venue_seconds = {(event.exchange, event.at_ms // SECOND_MS) for event in run}
    enough = len(venue_seconds) >= LEAST_VENUE_SECONDS
    return enough and sum(event.cents for event in run) >= floor_cents


@dataclass(slots=True)
class BurstTally:
    """The comparison of a detector's incidents with the reference bursts of recordings.

    `to_come` has one value per burst: the share of its dollars that is liquidated after the first
    message in it. The share is 0 without a message, and 1 if an incident was announced before and
    is still open. A message leaves at the end of a second, so one in the last liquidation's second
    still covers the burst, with a share of 0. A message of the market covers the burst of an asset
    whose record is folded into it. Other incidents of the market cover no burst, and count neither
    as inside nor as outside.
    """

    to_come: list[float] = field(default_factory=list)
    covered: int = 0
    already_open: int = 0
    incidents: int = 0
    outside: int = 0

    def add(self, bursts: Sequence[Burst], incidents: Sequence[Incident]) -> None:
        """Add the incidents of one recording."""
        of_assets: dict[tuple[str, Side | None], list[Incident]] = defaultdict(list)
        for incident in incidents:
            if incident.base != MARKET:
                of_assets[incident.base, incident.side].append(incident)
        covering: set[int] = set()
        for burst in bursts:
            words = [
                (at, id(incident))
                for incident in of_assets[burst.base, burst.side]
                if (at := _first_word(burst, incident)) is not None
            ]
            covering |= {incident for _, incident in words}
            first = min((at for at, _ in words), default=None)
            self.covered += first is not None
            self.already_open += first is not None and first < burst.start_ms
            self.to_come.append(0.0 if first is None else burst.still_to_come(first))
        for incident in incidents:
            if incident.told_ms and incident.base != MARKET:
                self.incidents += 1
                self.outside += id(incident) not in covering

    @property
    def median_to_come(self) -> float:
        """The median share to come over all bursts."""
        return median(self.to_come) if self.to_come else 0.0

    @property
    def mean_to_come(self) -> float:
        """The mean share to come over all bursts."""
        return mean(self.to_come) if self.to_come else 0.0


def _first_word(burst: Burst, incident: Incident) -> int | None:
    """Return the time (UTC, ms) of the first message about a burst; None without a message."""
    words = sorted(incident.told_ms + incident.told_by_parent_ms)
    if not words or words[0] < burst.start_ms <= incident.open_until_ms:
        return words[0] if words else None
    until_ms = burst.end_ms + SECOND_MS
    return next((at for at in words if burst.start_ms <= at <= until_ms), None)
