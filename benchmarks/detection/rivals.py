"""Other detectors of cascades, on the same observations."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from math import exp, log, log1p, sqrt

from benchmarks.detection.incidents import ANY_ASSET, Incident
from liq.processors.cascades.observation import Observation
from liq.schemas.vocabulary import Side

MERGE_MS = 60_000
Key = tuple[str, Side]


def basic(observations: Iterable[Observation]) -> list[Incident]:
    """Detect as the original guide does: one buffer of 60 s, an alert for every event."""
    window = _Window(60_000)
    incidents: list[Incident] = []
    for event in observations:
        window.add(event.received_at_ms, event.cents)
        if len(window.held) >= 5 and window.cents >= 10_000_000:
            _tell(incidents, event.received_at_ms, (ANY_ASSET, None))
    return incidents


def keyed(observations: Iterable[Observation], floor_cents: int = 10_000_000) -> list[Incident]:
    """Apply the same thresholds to each asset and side, with one message when they are met."""
    return _by_rule(observations, window_ms=60_000, min_events=5, floor_cents=floor_cents)


def fixed_rule(observations: Iterable[Observation]) -> list[Incident]:
    """Apply a published rule of 2026: 4 events and 50,000 USD of a symbol's side in 90 s."""
    return _by_rule(observations, window_ms=90_000, min_events=4, floor_cents=5_000_000)


def cusum(observations: Iterable[Observation]) -> list[Incident]:
    """Apply a Poisson CUSUM to each asset and side: fivefold rate, threshold 14, 100,000 USD."""
    ratio, threshold = 5.0, 14.0

    def states() -> "_Cusum":
        return _Cusum(ratio)

    lanes: dict[Key, _Cusum] = defaultdict(states)
    return _by_statistic(
        observations, lambda event: lanes[event.base, event.side].add(event) >= threshold
    )


def ewma(observations: Iterable[Observation]) -> list[Incident]:
    """Compare a minute's log dollars with their exponential mean by z-score; 250,000 USD."""
    lanes: dict[Key, _Ewma] = defaultdict(_Ewma)
    return _by_statistic(
        observations,
        lambda event: lanes[event.base, event.side].add(event) >= 1.5,
        floor_cents=25_000_000,
    )


class _Window:
    def __init__(self, width_ms: int) -> None:
        self.width_ms = width_ms
        self.held: deque[tuple[int, int]] = deque()
        self.cents = 0

    def add(self, at_ms: int, cents: int) -> None:
        self.held.append((at_ms, cents))
        self.cents += cents
        while self.held[0][0] <= at_ms - self.width_ms:
            self.cents -= self.held.popleft()[1]


class _Cusum:
    """The log-likelihood ratio against a rate learned over three hours, never below zero."""

    def __init__(self, ratio: float) -> None:
        self.ratio = ratio
        self.value, self.rate, self.last_ms = 0.0, 10 / 3600, 0

    def add(self, event: Observation) -> float:
        seconds = max(0.0, (event.received_at_ms - self.last_ms) / 1000) if self.last_ms else 0.0
        self.last_ms = max(self.last_ms, event.received_at_ms)
        drift = self.rate * (self.ratio - 1) * seconds
        self.value = max(0.0, self.value - drift) + log(self.ratio)
        self.rate = self.rate * exp(-seconds / 10_800) + 1 / 10_800
        return self.value


class _Ewma:
    """The exponential mean and variance of the log dollars a minute."""

    def __init__(self) -> None:
        self.minute, self.cents = -1, 0
        self.mean, self.variance = log1p(1_000), 4.0

    def add(self, event: Observation) -> float:
        minute = event.received_at_ms // 60_000
        if minute != self.minute:
            if self.minute >= 0:
                surprise = log1p(self.cents / 100) - self.mean
                self.mean += 0.05 * surprise
                self.variance += 0.05 * (surprise * surprise - self.variance)
            self.minute, self.cents = minute, 0
        self.cents += event.cents
        return (log1p(self.cents / 100) - self.mean) / sqrt(max(self.variance, 0.05))


def _by_rule(
    observations: Iterable[Observation], *, window_ms: int, min_events: int, floor_cents: int
) -> list[Incident]:
    lanes: dict[Key, _Window] = defaultdict(lambda: _Window(window_ms))
    incidents: dict[Key, list[Incident]] = defaultdict(list)
    for event in _once(observations):
        key = (event.base, event.side)
        lane = lanes[key]
        lane.add(event.received_at_ms, event.cents)
        if len(lane.held) >= min_events and lane.cents >= floor_cents:
            _tell_once(incidents[key], event.received_at_ms, key)
    return [incident for told in incidents.values() for incident in told]


def _by_statistic(
    observations: Iterable[Observation], exceeds: object, floor_cents: int = 10_000_000
) -> list[Incident]:
    assert callable(exceeds)
    lanes: dict[Key, _Window] = defaultdict(lambda: _Window(60_000))
    incidents: dict[Key, list[Incident]] = defaultdict(list)
    for event in _once(observations):
        key = (event.base, event.side)
        lane = lanes[key]
        lane.add(event.received_at_ms, event.cents)
        if exceeds(event) and len(lane.held) >= 5 and lane.cents >= floor_cents:
            _tell_once(incidents[key], event.received_at_ms, key)
    return [incident for told in incidents.values() for incident in told]


def _once(observations: Iterable[Observation]) -> Iterator[Observation]:
    seen: set[str] = set()
    for event in observations:
        if event.event_id not in seen:
            seen.add(event.event_id)
            yield event


def _tell(incidents: list[Incident], at_ms: int, key: tuple[str, Side | None]) -> None:
    if incidents and at_ms <= incidents[-1].open_until_ms:
        incidents[-1].told_ms.append(at_ms)
        incidents[-1].notifications += 1
        _prolong(incidents[-1], at_ms)
    else:
        incidents.append(_started(at_ms, key))


def _tell_once(incidents: list[Incident], at_ms: int, key: Key) -> None:
    if incidents and at_ms <= incidents[-1].open_until_ms:
        _prolong(incidents[-1], at_ms)
    else:
        incidents.append(_started(at_ms, key))


def _started(at_ms: int, key: tuple[str, Side | None]) -> Incident:
    incident = Incident(*key, told_ms=[at_ms], end_ms=at_ms, notifications=1, onset_ms=at_ms)
    _prolong(incident, at_ms)
    return incident


def _prolong(incident: Incident, at_ms: int) -> None:
    incident.end_ms = at_ms
    incident.open_until_ms = at_ms + MERGE_MS
