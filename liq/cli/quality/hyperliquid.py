"""Recall of Hyperliquid's public feeds, measured on the fills of a node or of a provider.

A node's fills are every liquidation. The public feeds give the fills of followed accounts and the
trades joined with them, with the same ids. The recall of the first n sensors counts what the fills
of the vaults and of these sensors show, alone, and with the joined trades of the orders that they
met. Sensors are in the order of the dollars that they add.

Only liquidations in the time that both sides cover are compared. Outages of the public feeds in
this time count as missed.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import orjson

from liq.processors.normalizers import FrameMetadata, InstrumentBook, NormalizerConfig, normalize
from liq.processors.normalizers.venues.hyperliquid import LIQUIDATOR_VAULTS
from liq.producers.sensors import MakerFill, choose_sensors
from liq.producers.sensors.orders import Order, proven_order
from liq.schemas.records import Liquidation

EXCHANGE: Final = "hyperliquid"
FILLS: Final = "userFills"
JOINED: Final = "joinedTrades"
COMPLETE: Final = frozenset({"nodeFills", "goldrush", "hydromancer"})
#: A liquidation of the last ten seconds may still be joined.
SETTLED_MS: Final = 10_000
MAX_EVENTS: Final = 1_000_000
ZERO: Final = Decimal(0)


class TooManyError(Exception):
    """The frames have more liquidations than the comparison holds."""


@dataclass(frozen=True, slots=True)
class Row:
    """The recall (0 to 1) of so many sensors: of events and dollars, alone and amplified."""

    sensors: int
    events: float
    usd: float
    amplified_events: float
    amplified_usd: float


@dataclass(frozen=True, slots=True)
class Delay:
    """Milliseconds from a block to the receipt of its liquidation."""

    p50_ms: int = 0
    p99_ms: int = 0


@dataclass(frozen=True, slots=True)
class Quality:
    """The result: times are UTC ms. `late` events arrived ten seconds or more after their block.

    `unknown` are public events that the complete feed does not have, `different` those with another
    side, victim, price or size.
    """

    from_ms: int
    to_ms: int
    events: int
    usd: Decimal
    rows: tuple[Row, ...]
    unknown: int
    different: int
    late: int
    public_delay: Delay
    complete_delay: Delay
    sensors: tuple[str, ...]


@dataclass(slots=True)
class _Public:
    """One public event: when it came first, whose fills had it, and the order of the taker.

    A trade of the order is joined by the fill of any other sensor that met the order.
    """

    event: Liquidation
    received_ms: int
    owners: set[str] = field(default_factory=set)
    order: Order | None = None


@dataclass(slots=True)
class Comparison:
    """The frames so far, at most `max_events` liquidations of each side."""

    config: NormalizerConfig
    max_events: int = MAX_EVENTS
    _complete: dict[str, Liquidation] = field(default_factory=dict)
    _public: dict[str, _Public] = field(default_factory=dict)
    _owners: defaultdict[Order, set[str]] = field(default_factory=lambda: defaultdict(set))
    _times: dict[bool, list[int]] = field(default_factory=dict)

    def add(self, feed: str, received_ms: int, frame: bytes) -> None:
        """Add a frame; frames of other feeds are ignored.

        Raises:
            TooManyError: there are more liquidations than the bound.
        """
        if feed not in COMPLETE | {FILLS, JOINED}:
            return
        span = self._times.setdefault(feed in COMPLETE, [received_ms, received_ms])
        span[:] = [min(span[0], received_ms), max(span[1], received_ms)]
        if feed in COMPLETE:
            for event in self._events(feed, received_ms, frame):
                known = self._complete.get(event.event_id)
                if known is None or received_ms < known.received_at_ms:
                    self._complete[event.event_id] = event
        elif feed == FILLS:
            self._add_fills(received_ms, frame)
        else:
            proof = _parsed(frame)
            order = proven_order(str(proof.get("owner")), proof.get("proof"))
            for event in self._events(feed, received_ms, frame):
                self._note(event, received_ms).order = order
        if max(len(self._complete), len(self._public)) > self.max_events:
            raise TooManyError

    def quality(self, grid: Sequence[int]) -> Quality | None:
        """Return the comparison, with a row for each number of sensors; None without both sides."""
        if len(self._times) < 2:  # noqa: PLR2004 - both sides
            return None
        from_ms = max(span[0] for span in self._times.values())
        to_ms = max(span[1] for span in self._times.values()) - SETTLED_MS
        to_ms = min(to_ms, self._times[True][1])
        truth = {
            name: event
            for name, event in self._complete.items()
            if from_ms <= event.timestamp_ms <= to_ms
        }
        public = {
            name: each
            for name, each in self._public.items()
            if from_ms <= each.event.timestamp_ms <= to_ms
        }
        found = {name: each for name, each in public.items() if name in truth}
        late = [each for each in found.values() if _delay_ms(each) >= SETTLED_MS]
        sensors = self._sensors(found)
        numbers = sorted({min(number, len(sensors)) for number in (*grid, len(sensors))})
        return Quality(
            from_ms,
            max(from_ms, to_ms),
            len(truth),
            _usd(truth.values()),
            tuple(self._row(truth, found, sensors[:number]) for number in numbers),
            unknown=len(public) - len(found),
            different=sum(_differ(truth[name], each.event) for name, each in found.items()),
            late=len(late),
            public_delay=_delay(
                [_delay_ms(each) for each in found.values() if _delay_ms(each) < SETTLED_MS]
            ),
            complete_delay=_delay(
                [event.received_at_ms - event.timestamp_ms for event in truth.values()]
            ),
            sensors=sensors,
        )

    def _add_fills(self, received_ms: int, frame: bytes) -> None:
        data = _parsed(frame).get("data")
        if type(data) is not dict:
            return
        fills: Any = data.get("fills")
        if type(fills) is not list or type(data.get("user")) is not str:
            return
        owner = str(data["user"]).lower()
        for fill in fills:
            if type(fill) is not dict or fill.get("liquidation") is None:
                continue
            order = proven_order(owner, fill)
            if order is not None:
                self._owners[order].add(owner)
            alone = {"channel": FILLS, "data": {"user": owner, "fills": [fill]}}
            for event in self._events(FILLS, received_ms, orjson.dumps(alone)):
                noted = self._note(event, received_ms)
                noted.owners.add(owner)
                noted.order = order or noted.order

    def _events(self, feed: str, received_ms: int, frame: bytes) -> list[Liquidation]:
        metadata = FrameMetadata(EXCHANGE, feed, received_ms)
        results = normalize(frame, metadata, InstrumentBook(()), self.config)
        return [result for result in results if isinstance(result, Liquidation)]

    def _note(self, event: Liquidation, received_ms: int) -> _Public:
        found = self._public.setdefault(event.event_id, _Public(event, received_ms))
        found.received_ms = min(found.received_ms, received_ms)
        return found

    def _owners_of(self, each: _Public, *, is_amplified: bool) -> set[str]:
        met = self._owners.get(each.order, set()) if each.order and is_amplified else set()
        return each.owners | met

    def _sensors(self, found: dict[str, _Public]) -> tuple[str, ...]:
        fills = [
            MakerFill(owner, name, each.event.value_usd)
            for name, each in found.items()
            for owner in self._owners_of(each, is_amplified=True) - LIQUIDATOR_VAULTS
        ]
        chosen = choose_sensors(fills, len(fills), is_amplified=True)
        return tuple(one.account for one in chosen)

    def _row(
        self,
        truth: dict[str, Liquidation],
        found: dict[str, _Public],
        sensors: Collection[str],
    ) -> Row:
        followed = LIQUIDATOR_VAULTS | set(sensors)
        shares = []
        for is_amplified in (False, True):
            seen = [
                truth[name]
                for name, each in found.items()
                if self._owners_of(each, is_amplified=is_amplified) & followed
            ]
            usd = _usd(truth.values())
            shares += [len(seen) / max(1, len(truth)), float(_usd(seen) / usd) if usd else 0.0]
        return Row(len(sensors), *shares)


def _usd(events: Any) -> Decimal:
    return sum((event.value_usd for event in events), ZERO)


def _delay_ms(each: _Public) -> int:
    return each.received_ms - each.event.timestamp_ms


def _delay(delays_ms: list[int]) -> Delay:
    if not delays_ms:
        return Delay()
    ordered = sorted(delays_ms)
    return Delay(ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)])


def _differ(one: Liquidation, other: Liquidation) -> bool:
    return (one.side, one.liquidated_user, one.price, one.quantity) != (
        *(other.side, other.liquidated_user, other.price, other.quantity),
    )


def _parsed(frame: bytes) -> dict[str, Any]:
    try:
        message = orjson.loads(frame)
    except orjson.JSONDecodeError:
        return {}
    return message if type(message) is dict else {}
