"""The profile `basic`: the first, simple detector, kept as a yardstick.

One buffer contains the liquidations of the last minute, of all assets and sides, by time of
receipt. While it contains at least five liquidations worth 100,000 USD together, every liquidation
raises an alert.
"""

from collections import deque

from liq.processors.cascades.alerts import digest, usd
from liq.processors.cascades.observation import CENTS_PER_DOLLAR
from liq.processors.cascades.risk import basic_score
from liq.schemas.records import CascadeAlert, Liquidation, ScoreParts
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import AlertType, Scope, Side

DETECTOR = "basic-1"
WINDOW_SECONDS = 60
MIN_EVENTS = 5
MIN_CENTS = 100_000 * CENTS_PER_DOLLAR
LARGEST_TOLD = 5


class BasicDetector:
    """A detector that compares the last minute with fixed thresholds at every liquidation."""

    def __init__(self) -> None:
        """Start with an empty buffer."""
        self._held: deque[tuple[int, int, Liquidation]] = deque()
        self._cents = self._long_cents = 0

    def apply(self, event: Liquidation) -> CascadeAlert | None:
        """Count a liquidation; return an alert if the thresholds are met."""
        cents = round(event.value_usd * CENTS_PER_DOLLAR)
        self._held.append((event.received_at_ms, cents, event))
        self._count(event, cents)
        oldest_ms = event.received_at_ms - WINDOW_SECONDS * SECOND_MS
        while self._held[0][0] <= oldest_ms:
            _, gone, old = self._held.popleft()
            self._count(old, -gone)
        if len(self._held) < MIN_EVENTS or self._cents < MIN_CENTS:
            return None
        return self._alert(event)

    def _count(self, event: Liquidation, cents: int) -> None:
        self._cents += cents
        if event.side is Side.LONG:
            self._long_cents += cents

    def _alert(self, event: Liquidation) -> CascadeAlert:
        events = [held for _, _, held in self._held]
        long_ratio = round(self._long_cents / self._cents, 4)
        score = basic_score(len(events), self._cents, WINDOW_SECONDS)
        largest = sorted((-held.value_usd, held.event_id) for held in events)[:LARGEST_TOLD]
        name = digest(DETECTOR, event.event_id, event.received_at_ms)
        return CascadeAlert(
            alert_id=digest(name, 0),
            cascade_id=name,
            sequence=0,
            type=AlertType.DETECTED,
            scope=Scope.MARKET,
            asset="",
            side=Side.LONG if 2 * self._long_cents >= self._cents else Side.SHORT,
            started_at_ms=events[0].timestamp_ms,
            timestamp_ms=event.timestamp_ms,
            event_count=len(events),
            total_value_usd=usd(self._cents),
            long_ratio=long_ratio,
            exchanges=tuple(sorted({held.exchange for held in events})),
            symbols=tuple(sorted({held.symbol for held in events})),
            risk_score=score,
            score_parts=ScoreParts(0.0, 0.0, 0.0, 0.0),
            basic_risk_score=score,
            price_first=events[0].price,
            price_last=event.price,
            largest_event_ids=tuple(event_id for _, event_id in largest),
            detector=DETECTOR,
        )
