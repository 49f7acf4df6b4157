"""The choice of sensors while a producer runs: candidates, what their fills proved, and exchanges.

Candidates are the makers with the most dollars in the public trades. Each one's newest fills are
public, too: those with a `liquidation` of somebody else are what the account would have proven. An
account's yield is the dollars of the liquidations that it proves, an hour; of a liquidation that
two accounts prove only the first counts. A fill counts for at most MAX_RANKED_USD, so one absurd
fill buys no place. The accounts with the highest yield are followed. One that
is followed leaves for another only if that one's yield is higher by a quarter, and not before it
was followed for a while.

Times are UTC milliseconds. Nothing here waits or asks.
"""

from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, NamedTuple

from liq.producers.sensors.amounts import ranked_usd_of
from liq.producers.sensors.makers import MakerTally
from liq.producers.sensors.orders import Order, is_event, proven_order
from liq.producers.sensors.selection import MakerFill, choose_sensors
from liq.schemas.units import HOUR_MS

MAX_CANDIDATES: Final = 40
MAX_HITS: Final = 2_000
PROBE_AGAIN_MS: Final = HOUR_MS
BARRED_MS: Final = HOUR_MS
#: Added to the time that an account was observed: a single hit in a short time proves little.
PRIOR_MS: Final = 600_000
#: The advantage of an account that is followed already.
KEPT: Final = Decimal("1.25")
ONE: Final = Decimal(1)


class Hit(NamedTuple):
    """A maker's fill against a liquidation, and its time."""

    time_ms: int
    fill: MakerFill


class Exchange(NamedTuple):
    """The account to follow from now on, if any, and the one to leave for it, if any."""

    old: str | None
    new: str | None
    usd_an_hour: int = 0


@dataclass(slots=True)
class Evidence:
    """What an account's public fills proved: its hits, and for how long it was observed."""

    probed_ms: int = 0
    observed_ms: int = 0
    hits: deque[Hit] = field(default_factory=lambda: deque(maxlen=MAX_HITS))

    def add(self, account: str, fills: list[Any], now_ms: int) -> None:
        """Add an account's newest fills; those before the previous probe are known."""
        times = [each["time"] for each in fills if _has_time(each)]
        since_ms = max(min(times, default=now_ms), self.probed_ms)
        self.hits.extend(
            hit for hit in maker_hits(account, fills) if since_ms <= hit.time_ms <= now_ms
        )
        # The hits beyond the bound are forgotten together with their time.
        if len(self.hits) == MAX_HITS:
            since_ms, self.observed_ms = min(hit.time_ms for hit in self.hits), 0
        self.observed_ms += max(0, now_ms - since_ms)
        self.probed_ms = now_ms


@dataclass(slots=True)
class SensorPool:
    """The candidates, their evidence, and the sensors that are followed.

    Attributes:
        count: The number of sensors.
        fixed: Accounts that are followed in any case, and so are no sensors.
        dwell_ms: How long a sensor is followed at least.
        refused: The number of fills that would prove a liquidation and are implausible.
    """

    count: int
    fixed: frozenset[str]
    dwell_ms: int
    makers: MakerTally = field(default_factory=MakerTally)
    refused: int = 0
    followed: dict[str, int] = field(default_factory=dict)
    _evidence: dict[str, Evidence] = field(default_factory=dict)
    _barred: dict[str, int] = field(default_factory=dict)

    def next_probe(self, now_ms: int) -> str | None:
        """Return the account whose fills should be asked next, or None if none is due."""
        self._forget(now_ms)
        due = [
            name
            for name in self._candidates()
            if name not in self._evidence
            or now_ms - self._evidence[name].probed_ms >= PROBE_AGAIN_MS
        ]
        return min(due, key=self._probed_ms, default=None)

    def note_fills(self, account: str, fills: list[Any], now_ms: int) -> None:
        """Add the newest fills of an account."""
        self.refused += refused_hits(account, fills)
        self._evidence.setdefault(account, Evidence()).add(account, fills, now_ms)

    def bar(self, account: str, now_ms: int) -> None:
        """Leave an account out for an hour: it cannot be asked, or the venue refuses it."""
        self._barred[account] = now_ms + BARRED_MS
        self.followed.pop(account, None)

    def exchange(self, now_ms: int) -> Exchange | None:
        """Return the next change of the sensors, or None. One change at a time is enough."""
        self._forget(now_ms)
        fills = [hit.fill for each in self._evidence.values() for hit in each.hits]
        chosen = choose_sensors(fills, self.count, is_amplified=True, weights=self._weights())
        new = next((each for each in chosen if each.account not in self.followed), None)
        if new is None:
            return None
        usd_an_hour = int(new.usd)
        if len(self.followed) < self.count:
            return Exchange(None, new.account, usd_an_hour)
        wanted = {each.account for each in chosen}
        leaving = [
            name
            for name, since_ms in self.followed.items()
            if name not in wanted and now_ms - since_ms >= self.dwell_ms
        ]
        return Exchange(min(leaving), new.account, usd_an_hour) if leaving else None

    def note_exchange(self, change: Exchange, now_ms: int) -> None:
        """Record a change that was made."""
        if change.old is not None:
            self.followed.pop(change.old, None)
        if change.new is not None:
            self.followed[change.new] = now_ms

    def note_refused(self, refused: Collection[str], now_ms: int) -> list[str]:
        """Bar the sensors that the venue refuses, and return them."""
        found = [name for name in self.followed if name in refused]
        for name in found:
            self.bar(name, now_ms)
        return found

    def _candidates(self) -> list[str]:
        found = [*self.followed, *self.makers.top(MAX_CANDIDATES)]
        return [
            name
            for name in dict.fromkeys(found)
            if name not in self.fixed and name not in self._barred
        ]

    def _weights(self) -> dict[str, Decimal]:
        """Return an hour over each account's observed time, more for one that is followed."""
        return {
            name: Decimal(HOUR_MS)
            / (each.observed_ms + PRIOR_MS)
            * (KEPT if name in self.followed else ONE)
            for name, each in self._evidence.items()
        }

    def _probed_ms(self, name: str) -> int:
        return self._evidence[name].probed_ms if name in self._evidence else 0

    def _forget(self, now_ms: int) -> None:
        """Forget accounts that are candidates no longer, and bars that are over."""
        self._barred = {name: until for name, until in self._barred.items() if until > now_ms}
        candidates = set(self._candidates())
        self._evidence = {name: each for name, each in self._evidence.items() if name in candidates}


def maker_hits(account: str, fills: list[Any]) -> list[Hit]:
    """Return the fills of an account that prove the liquidation of somebody else.

    A fill counts if the account was the maker of a liquidation by market order: its own
    liquidation, an auto-deleveraging or a fill as the taker proves nothing for a sensor.
    """
    found = []
    for order, fill in _proofs(account, fills):
        usd = ranked_usd_of(fill)
        if usd is not None and is_event(fill):
            found.append(Hit(fill["time"], MakerFill(account, order, usd)))
    return found


def refused_hits(account: str, fills: list[Any]) -> int:
    """Return the number of fills that would prove a liquidation, but give no event."""
    return sum(not is_event(fill) for _, fill in _proofs(account, fills))


def _proofs(account: str, fills: list[Any]) -> Iterator[tuple[Order, Any]]:
    for fill in fills:
        order = proven_order(account, fill)
        if order is not None and order.taker != account:
            yield order, fill


def _has_time(fill: Any) -> bool:
    return type(fill) is dict and type(fill.get("time")) is int
