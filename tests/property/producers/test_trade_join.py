"""In whatever order hits and trades come: a proven order's trades are joined, once, no other's."""

from decimal import Decimal

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from liq.processors.normalizers import FrameMetadata, InstrumentBook, NormalizerConfig, normalize
from liq.producers.sensors import Joined, TradeJoin
from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import Evidence, Side
from tests.support.sensor_trades import START_MS, Trade, account, public_trades, user_fills

CONFIG = NormalizerConfig(Decimal(100_000), Decimal(100))
COINS = ("BTC", "ETH")


@st.composite
def markets(draw: st.DrawFn) -> list[Trade]:
    """Orders, each of one taker and transaction, that trade with several makers."""
    trades: list[Trade] = []
    for transaction in range(draw(st.integers(1, 5))):
        coin, side = draw(st.sampled_from(COINS)), draw(st.sampled_from("AB"))
        taker, is_liquidation = draw(st.integers(1, 4)), draw(st.booleans())
        # The zero hash stands on all kinds of trades.
        name = 0 if draw(st.integers(0, 5)) == 0 else transaction + 1
        for _ in range(draw(st.integers(1, 4))):
            maker = draw(st.integers(5, 8))
            trades.append(Trade(len(trades), coin, taker, maker, side, name, is_liquidation))
    return trades


def events_of(feed: str, frame: bytes) -> list[Liquidation]:
    metadata = FrameMetadata("hyperliquid", feed, START_MS)
    results = normalize(frame, metadata, InstrumentBook(()), CONFIG)
    assert all(isinstance(result, Liquidation) for result in results)
    return [result for result in results if isinstance(result, Liquidation)]


@settings(deadline=None, max_examples=150)
@given(markets(), st.sets(st.integers(1, 8), max_size=3), st.data())
def test_what_is_proven_is_joined_once_and_nothing_else(
    trades: list[Trade], sensors: set[int], data: st.DataObject
) -> None:
    frames: list[tuple[str, bytes]] = [("trades", public_trades([one])) for one in trades]
    for sensor in sensors:
        fills = [
            one.fill(of_taker=one.taker == sensor)
            for one in trades
            if sensor in {one.taker, one.maker}
        ]
        # A snapshot repeats all of them after a reconnect.
        frames += [("userFills", user_fills(sensor, [fill])) for fill in fills]
        frames += [("userFills", user_fills(sensor, fills))]
    join, joined, events = TradeJoin(), list[Joined](), list[Liquidation]()
    for now_ms, (kind, frame) in enumerate(data.draw(st.permutations(frames))):
        if kind == "userFills":
            events += events_of(kind, frame)
        new = (
            join.add_fills(frame, now_ms) if kind == "userFills" else join.add_trades(frame, now_ms)
        )
        joined += new
        events += [event for one in new for event in events_of("joinedTrades", one.messages()[0])]

    by_tid = {one.tid: one for one in trades}
    proven = {
        (one.coin, one.taker, one.transaction, one.side)
        for one in trades
        if one.is_liquidation and sensors & {one.taker, one.maker}
    }
    direct = {one.tid for one in trades if one.is_liquidation and sensors & {one.taker, one.maker}}
    wanted = direct | {
        one.tid
        for one in trades
        if one.transaction and (one.coin, one.taker, one.transaction, one.side) in proven
    }
    copied = [orjson.loads(content)["tid"] for one in joined for content in one.trades]
    assert len(copied) == len(set(copied))
    found = {event.event_id: event for event in events}
    assert len(found) == len(wanted)
    by_price = {Decimal(one.price): one for one in trades}
    for event in events:
        trade = by_price[event.price]
        assert event.side is (Side.LONG if trade.side == "A" else Side.SHORT)
        assert event.liquidated_user == account(trade.taker)
    inferred = [event for event in events if event.evidence is Evidence.INFERRED]
    assert len(inferred) <= len(copied)
    assert {by_tid[tid].is_liquidation for tid in copied} <= {True}


@given(st.integers(1, 60), st.integers(1, 20), st.integers(1, 20))
def test_memory_is_bounded(count: int, max_trades: int, max_hits: int) -> None:
    join = TradeJoin(max_trades=max_trades, max_hits=max_hits)
    for number in range(count):
        join.add_trades(public_trades([Trade(number, "BTC", 1, 5, "A", number + 1)]), number)
        join.add_fills(
            user_fills(
                5,
                [Trade(1_000 + number, "BTC", 2, 5, "A", 500 + number).fill(of_taker=False)],
            ),
            number,
        )
    assert len(join) <= max_trades
    assert join.forgotten == max(0, count - max_trades) + max(0, count - max_hits)


@given(st.lists(st.integers(0, 3_000), max_size=60), st.integers(400, 4_000))
def test_the_bytes_of_waiting_trades_are_bounded(paddings: list[int], max_bytes: int) -> None:
    join = TradeJoin(max_bytes=max_bytes)
    for number, padding in enumerate(paddings):
        trade = Trade(number, "BTC", 1, 5, "A", number + 1).public() | {"more": "x" * padding}
        join.add_trades(orjson.dumps({"channel": "trades", "data": [trade]}), number)
        assert join.held_bytes <= max_bytes
    join.add_trades(b'{"data":[]}', len(paddings) + 10_001)
    assert (len(join), join.held_bytes) == (0, 0)
