"""Comparison of a detector's incidents with the planted cascades."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import mean, median
from typing import Final

from benchmarks.detection.day import Day, day_ms
from benchmarks.detection.incidents import ANY_ASSET, Incident
from benchmarks.detection.planted import Kind, Planted
from liq.processors.backtesting.dollars import MARKET
from liq.schemas.units import MINUTE_MS

EARLY_MS = 1_000
# A start or escalation counts until this long after the last planted liquidation.
AFTER_MS = 60_000
# A planted cascade of at least this size is a major one; a missing message about it is counted.
MAJOR_CENTS: Final = 100_000_000


@dataclass(slots=True)
class Tally:
    """Counts over any number of days.

    `untold_majors` are planted cascades of at least $1M without a message while they run or in the
    minute after: for an asset, neither of the asset nor of a market cascade into which it is
    folded; for a market-wide cascade, not of the market. `market_incidents` are those with a
    message; `longest_market_ms` is over all.
    """

    days: int = 0
    planted: Counter[Kind] = field(default_factory=Counter)
    found: Counter[Kind] = field(default_factory=Counter)
    true_incidents: int = 0
    false_incidents: int = 0
    false_by_day: list[int] = field(default_factory=list)
    notifications: int = 0
    notifications_on_planted: int = 0
    fragments: int = 0
    fragment_keys: int = 0
    delays: list[tuple[Kind, float]] = field(default_factory=list)
    watch_delays: list[tuple[Kind, float]] = field(default_factory=list)
    end_errors: list[float] = field(default_factory=list)
    scores: list[tuple[str, float]] = field(default_factory=list)
    untold_majors: int = 0
    market_incidents: int = 0
    false_of_market: int = 0
    longest_market_ms: int = 0
    recall_by_day: list[float] = field(default_factory=list)

    def add(self, day: Day, incidents: Sequence[Incident]) -> list[Incident]:
        """Add a day; return its false incidents."""
        self.days += 1
        right: set[int] = set()
        found_before = self.found.total()
        for truth in day.planted:
            right |= self._add_planted(truth, incidents)
        false = [
            incident
            for number, incident in enumerate(incidents)
            if number not in right and incident.told_ms and not _is_natural(day, incident)
        ]
        self.notifications += sum(incident.notifications for incident in incidents)
        self.true_incidents += len(right)
        self.false_incidents += len(false)
        self.false_of_market += sum(incident.base == MARKET for incident in false)
        self.false_by_day.append(len(false))
        self.scores += [("false", incident.score) for incident in false]
        if day.planted:
            self.recall_by_day.append((self.found.total() - found_before) / len(day.planted))
        for incident in incidents:
            if incident.base == MARKET:
                self.market_incidents += bool(incident.told_ms)
                lasted_ms = incident.end_ms - incident.onset_ms
                self.longest_market_ms = max(self.longest_market_ms, lasted_ms)
        return false

    def _add_planted(self, truth: Planted, incidents: Sequence[Incident]) -> set[int]:
        self.planted[truth.kind] += 1
        start_ms, end_ms = day_ms(truth.start), day_ms(truth.end)
        matched: set[int] = set()
        told: list[int] = []
        watched: list[int] = []
        of_market: list[int] = []
        for number, incident in enumerate(incidents):
            if not _is_about(incident, truth):
                continue
            inside = _between(incident.told_ms, start_ms - EARLY_MS, end_ms + AFTER_MS)
            watched += _between(incident.watched_ms, start_ms - EARLY_MS, end_ms + AFTER_MS)
            told += inside
            told += _between(incident.told_by_parent_ms, start_ms - EARLY_MS, end_ms + AFTER_MS)
            if inside:
                matched.add(number)
                if incident.base in (MARKET, ANY_ASSET):
                    of_market += inside
        is_told = bool(of_market if truth.kind is Kind.MARKET else told)
        self.untold_majors += truth.cents >= MAJOR_CENTS and not is_told
        if not told:
            return matched
        self.found[truth.kind] += 1
        self.delays.append((truth.kind, (min(told) - start_ms) / 1000))
        self.watch_delays.append((truth.kind, (min([*watched, *told]) - start_ms) / 1000))
        exact = [incidents[number] for number in matched if incidents[number].base == truth.base]
        if exact:
            self.end_errors.append(abs(exact[-1].end_ms - end_ms) / 1000)
            self.scores.append((truth.kind, max(incident.score for incident in exact)))
        self.notifications_on_planted += sum(incidents[n].notifications for n in matched)
        self.fragments += len(matched)
        self.fragment_keys += len({incidents[number].base for number in matched})
        return matched

    @property
    def precision(self) -> float:
        """The share of true incidents among all with a message."""
        return self.true_incidents / max(1, self.true_incidents + self.false_incidents)

    @property
    def recall(self) -> float:
        """The share of planted cascades that were found."""
        return self.found.total() / max(1, self.planted.total())

    @property
    def false_a_day(self) -> float:
        """The mean number of false incidents a day."""
        return mean(self.false_by_day) if self.false_by_day else 0.0

    @property
    def notifications_per_cascade(self) -> float:
        """The mean number of messages about a found planted cascade."""
        return self.notifications_on_planted / max(1, self.found.total())

    @property
    def longest_market_minutes(self) -> float:
        """The duration of the longest market cascade in minutes."""
        return self.longest_market_ms / MINUTE_MS

    @property
    def worst_recall(self) -> float:
        """The lowest recall of a day; NaN without planted cascades."""
        return min(self.recall_by_day, default=float("nan"))

    @property
    def most_false(self) -> int:
        """The greatest number of false incidents of a day."""
        return max(self.false_by_day, default=0)

    @property
    def fragmentation(self) -> float:
        """The mean number of incidents per key (asset or market) that report one cascade."""
        return self.fragments / max(1, self.fragment_keys)

    def recall_of(self, kind: Kind) -> float:
        """Return the share of planted cascades of a kind that were found."""
        return self.found[kind] / max(1, self.planted[kind])

    def delay(self, without: Iterable[Kind] = (), *, watch: bool = False) -> float:
        """Return the median seconds from a cascade's first liquidation to its first message."""
        left_out = set(without)
        delays = self.watch_delays if watch else self.delays
        chosen = [delay for kind, delay in delays if kind not in left_out]
        return median(chosen) if chosen else float("nan")


def _is_about(incident: Incident, truth: Planted) -> bool:
    if incident.base == ANY_ASSET:
        return True
    if incident.side is not truth.side:
        return False
    return truth.kind is Kind.MARKET or incident.base == truth.base


def _between(moments: Iterable[int], low_ms: int, high_ms: int) -> list[int]:
    return [moment for moment in moments if low_ms <= moment <= high_ms]


def _is_natural(day: Day, incident: Incident) -> bool:
    return any(
        incident.base in (family.base, ANY_ASSET)
        and incident.side in (family.side, None)
        and _between(incident.told_ms, family.start_ms - EARLY_MS, family.end_ms + AFTER_MS)
        for family in day.natural
    )
