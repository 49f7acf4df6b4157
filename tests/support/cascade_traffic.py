"""Hours of liquidations for tests of the detector: steady flows with bursts, by seed."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from liq.processors.cascades import CascadeEngine, DetectorConfig
from liq.processors.cascades.observation import Observation
from liq.schemas.folding import Message, fold
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import Side

START_MS: Final = 1_782_950_400_000
MINUTE: Final = 60
HOUR: Final = 3_600
DELAY_MS: Final = 150
VENUES: Final = ("binance", "bybit", "okx")
ALTS: Final = tuple(f"ALT{number:02d}" for number in range(40))
ASSETS: Final = ("BTC", "ETH", "SOL", *ALTS)


@dataclass(frozen=True, slots=True, order=True)
class _Event:
    second: float
    base: str
    side: Side
    usd: float
    venue: str


@dataclass(slots=True)
class Traffic:
    """A builder of liquidations; seconds count from `START_MS`."""

    seed: int = 20_260_710
    events: list[_Event] = field(default_factory=list)
    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)  # noqa: S311 - not for secrets

    def flow(  # noqa: PLR0913 - each a property that some test varies
        self,
        start: float,
        end: float,
        per_minute: float,
        *,
        assets: Sequence[str] = ASSETS,
        sides: Sequence[Side] = tuple(Side),
        median_usd: float = 300.0,
    ) -> None:
        """Add liquidations of everyday sizes, at random times."""
        second = start + self.chance.expovariate(per_minute / MINUTE)
        while second < end:
            usd = median_usd * self.chance.lognormvariate(0, 1.8)
            self._add(second, assets, self.chance.choice(sides), usd)
            second += self.chance.expovariate(per_minute / MINUTE)

    def burst(  # noqa: PLR0913 - each a property that some test varies
        self,
        start: float,
        seconds: float,
        *,
        count: int,
        usd: float,
        assets: Sequence[str] = ASSETS,
        side: Side = Side.LONG,
    ) -> None:
        """Add `count` liquidations worth `usd`: a quick rise and a slower fall."""
        shares = [self.chance.lognormvariate(0, 1.2) for _ in range(count)]
        for share in shares:
            second = start + seconds * self.chance.betavariate(1.15, 2.0)
            self._add(second, assets, side, usd * share / sum(shares))

    def observations(self) -> list[Observation]:
        """Return the liquidations in the order of receipt."""
        return [
            Observation(
                f"{number:032x}",
                event.base,
                event.side,
                event.venue,
                f"{event.base}USDT",
                START_MS + int(event.second * 1_000),
                START_MS + int(event.second * 1_000) + DELAY_MS,
                round(event.usd * 100),
                Decimal(100),
                is_complete=event.venue == "bybit",
            )
            for number, event in enumerate(sorted(self.events))
        ]

    def _add(self, second: float, assets: Sequence[str], side: Side, usd: float) -> None:
        base, venue = self.chance.choice(assets), self.chance.choice(VENUES)
        self.events.append(_Event(second, base, side, usd, venue))


def detect(traffic: Traffic, config: DetectorConfig | None = None) -> list[CascadeAlert]:
    """Return every record of the detector for the traffic."""
    engine = CascadeEngine(config or DetectorConfig())
    alerts: list[CascadeAlert] = []
    for offset, event in enumerate(traffic.observations()):
        alerts += engine.observe(event, offset)
    return alerts + engine.finish()


def messages(alerts: Sequence[CascadeAlert]) -> list[Message]:
    """Return the messages to people."""
    return fold((alert.timestamp_ms, alert) for alert in alerts)


def second_of(time_ms: int) -> float:
    """Return a time as seconds of the traffic."""
    return (time_ms - START_MS) / 1_000
