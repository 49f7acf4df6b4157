"""Simulation of a day: public feeds, the join and the normalizer, and a count of the events.

Each block's trades leave the venue as one `trades` frame per coin and one `userFills` frame per
followed account with a liquidation in the block. The two kinds have separate delays. The join and
the normalizer are the product's. The vaults are always followed.
"""

import json
import random
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from benchmarks.hyperliquid.trades import BACKSTOP, DayTrade, frame_of_fills, frame_of_trades
from liq.processors.normalizers import FrameMetadata, InstrumentBook, NormalizerConfig, normalize
from liq.producers.feeds.venues.hyperliquid import LIQUIDATOR_VAULTS
from liq.producers.sensors import TradeJoin
from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import Side

CONFIG: Final = NormalizerConfig(Decimal(100_000), Decimal(100))
BOOK: Final = InstrumentBook(())
#: Assumed delays from a block to the frame's arrival, in milliseconds: mean and spread.
FILLS_DELAY: Final = (350.0, 120.0)
TRADES_DELAY: Final = (250.0, 80.0)


@dataclass(slots=True)
class Recall:
    """The day's liquidations that became events. `delays_ms` are from a block to its event."""

    events: int = 0
    usd: Decimal = Decimal(0)
    all_events: int = 0
    all_usd: Decimal = Decimal(0)
    wrong: int = 0
    delays_ms: list[int] = field(default_factory=list)

    @property
    def of_events(self) -> float:
        """Return the share of the events."""
        return self.events / max(1, self.all_events)

    @property
    def of_usd(self) -> float:
        """Return the share of the dollars."""
        return float(self.usd / max(Decimal(1), self.all_usd))


def truth_of(trades: Sequence[DayTrade]) -> dict[str, DayTrade]:
    """Map the event ids that a node's files give to the liquidations."""
    found = {}
    for trade in trades:
        if trade.method:
            owner = trade.maker if trade.method == BACKSTOP else trade.taker
            pair = json.dumps([owner, trade.fill(owner)]).encode()
            [event] = _events("nodeFills", pair, trade.time_ms)
            found[event.event_id] = trade
    return found


def play(
    trades: Sequence[DayTrade],
    truth: Mapping[str, DayTrade],
    sensors: Collection[str],
    *,
    is_amplified: bool,
    seed: int = 1,
) -> Recall:
    """Return the recall of sensors. `wrong` counts events that differ from every liquidation."""
    recall = Recall(
        all_events=len(truth), all_usd=sum((one.usd for one in truth.values()), Decimal(0))
    )
    seen = set[str]()
    for arrived_ms, feed, content in public_frames(
        trades, sensors, seed, is_amplified=is_amplified
    ):
        for event in _events(feed, content, arrived_ms):
            trade = truth.get(event.event_id)
            if trade is None or not _is_right(event, trade):
                recall.wrong += 1
            elif event.event_id not in seen:
                seen.add(event.event_id)
                recall.events += 1
                recall.usd += trade.usd
                recall.delays_ms.append(arrived_ms - trade.time_ms)
    return recall


def public_frames(
    trades: Sequence[DayTrade], sensors: Collection[str], seed: int = 1, *, is_amplified: bool
) -> Iterator[tuple[int, str, bytes]]:
    """Yield time (ms), feed and content of the frames that the producer writes to the raw topic."""
    join = TradeJoin()
    followed = {*LIQUIDATOR_VAULTS, *sensors}
    for arrived_ms, kind, frame in _arrivals(trades, followed, seed, tape=is_amplified):
        if kind == "userFills":
            yield arrived_ms, kind, frame
        if is_amplified:
            add = join.add_fills if kind == "userFills" else join.add_trades
            for one in add(frame, arrived_ms):
                yield from ((arrived_ms, "joinedTrades", each) for each in one.messages())


def _is_right(event: Liquidation, trade: DayTrade) -> bool:
    side = Side.LONG if trade.side == "A" else Side.SHORT
    return event.liquidated_user == trade.taker and event.side is side


def _arrivals(
    trades: Sequence[DayTrade], followed: Collection[str], seed: int, *, tape: bool
) -> list[tuple[int, str, bytes]]:
    """Return time (ms), channel and frame of every arrival, sorted by time."""
    source = random.Random(seed)  # noqa: S311 - a simulation
    blocks: defaultdict[tuple[int, str, str], list[DayTrade]] = defaultdict(list)
    for trade in trades:
        if tape:
            blocks[trade.time_ms, "trades", trade.coin].append(trade)
        if trade.method:
            for owner in {trade.taker, trade.maker} & set(followed):
                blocks[trade.time_ms, "userFills", owner].append(trade)
    arrivals = []
    for (time_ms, kind, name), some in blocks.items():
        delay = source.gauss(*(FILLS_DELAY if kind == "userFills" else TRADES_DELAY))
        if kind == "userFills":
            frame = frame_of_fills(name, [trade.fill(name) for trade in some])
        else:
            frame = frame_of_trades([trade.public() for trade in some])
        arrivals.append((time_ms + max(20, int(delay)), kind, frame))
    return sorted(arrivals)


def _events(feed: str, frame: bytes, received_ms: int) -> list[Liquidation]:
    results = normalize(frame, FrameMetadata("hyperliquid", feed, received_ms), BOOK, CONFIG)
    return [result for result in results if isinstance(result, Liquidation)]
