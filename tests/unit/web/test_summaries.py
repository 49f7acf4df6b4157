"""What a page draws: sums by second, price levels, a cascade from memory."""

import asyncio
from contextlib import aclosing
from decimal import Decimal
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from liq.schemas.units import DAY_MS, MINUTE_MS
from liq.schemas.vocabulary import Side
from liq.web.filters import Filters
from liq.web.price_levels import MAX_CELLS, PriceLevels
from liq.web.recent import seconds_and_prices
from liq.web.records import Facets, Place, Stream, StreamRecord
from liq.web.summaries import ROWS, TICKS_KEPT, Summaries, Summary, Tally, tape
from liq.web.window import Window
from tests.support.web_records import liquidation, record

START_MS = 1_783_500_000_000


def one(offset: int, second: float, usd: int, side: Side = Side.LONG) -> StreamRecord:
    value = liquidation(
        offset, timestamp_ms=START_MS + int(1000 * second), value_usd=Decimal(usd), side=side
    )
    return record(Stream.LIQUIDATIONS, 0, offset, value)


def facets(time_ms: int, price: float, usd: int = 1, asset: str = "BTC") -> Facets:
    return Facets("", ("okx",), asset, "LONG", usd * 100, time_ms, price, "complete")


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 10**6)), min_size=1), st.data())
def test_whole_sums_are_the_same_however_the_records_come(
    found: list[tuple[int, int]], data: st.DataObject
) -> None:
    records = [one(number, second, usd) for number, (second, usd) in enumerate(found)]
    cut = data.draw(st.integers(0, len(records)))
    tally = Tally()
    drawn: dict[float, list[float]] = {}
    for part in (records[:cut], records[cut:]):
        tally.add(part)
        drawn |= {row[0]: row for row in tally.changed()}
    assert sorted(drawn.values()) == tally.all()
    assert sum(row[1] for row in tally.all()) == sum(usd for _, usd in found)
    assert tally.changed() == []


def test_a_tape_has_the_largest_in_the_order_of_arrival() -> None:
    records = [one(number, number, usd=number % 50) for number in range(200)]
    rows = tape(records)
    assert len(rows) == ROWS
    assert [row["timestamp_ms"] for row in rows] == sorted(row["timestamp_ms"] for row in rows)
    assert min(Decimal(row["value_usd"]) for row in rows) >= 40


def events(data: bytes) -> tuple[str, dict[str, Any]]:
    name, body, *_ = data.decode().split("\n")
    return name, orjson.loads(body.removeprefix("data: "))


async def test_readers_with_the_same_filters_share_the_bytes() -> None:
    window = Window(10**8)
    summaries = Summaries(window, dict)
    async with (
        asyncio.timeout(30),
        aclosing(summaries.follow(Filters())) as first,
        aclosing(summaries.follow(Filters())) as second,
        aclosing(summaries.follow(Filters(least_cents=10**9))) as choosy,
    ):
        beginnings = [events(await anext(each)) for each in (first, second, choosy)]
        assert {name for name, _ in beginnings} == {"event: begin"}
        window.add([one(0, 1, 500)], {Place(Stream.LIQUIDATIONS, 0): 1})
        ticks = await asyncio.gather(anext(first), anext(second), anext(choosy))
    assert ticks[0] is ticks[1]
    assert events(ticks[0])[1]["seconds"] == [[START_MS // 1000 + 1, 500.0, 0.0, 1]]
    assert events(ticks[2])[1]["seconds"] == []
    assert summaries.count == 0


async def test_a_reader_that_has_missed_ticks_begins_anew() -> None:
    window = Window(10**8)
    summary = Summary(window, Filters(), dict)
    for number in range(TICKS_KEPT + 1):
        window.add([one(number, 1, 1)], {Place(Stream.LIQUIDATIONS, 0): number + 1})
        summary.tick()
    assert len(await summary.ticks_after(1)) == TICKS_KEPT
    assert events(summary.snapshot())[1]["seconds"][0][3] == TICKS_KEPT + 1


def test_price_levels_keep_dollars_of_a_day_within_bounds() -> None:
    levels = PriceLevels()
    for minute in range(60):
        levels.take(facets(START_MS + minute * MINUTE_MS, 60_000 + 10 * minute, usd=7))
    levels.take(facets(START_MS, float("nan")))
    levels.take(facets(START_MS, 0.0))
    shown = levels.map("BTC", 1)
    assert sum(cell[2] for cell in shown["cells"]) == 7 * 60
    assert shown["rows"] <= 48
    assert all(0 <= row < shown["rows"] for _, row, *_ in shown["cells"])
    assert levels.map("ETH", 1)["cells"] == []
    levels.take(facets(START_MS + 2 * DAY_MS, 60_000, asset="ETH"))
    assert levels.assets() == ["ETH"]


def test_price_levels_forget_the_oldest_beyond_their_bound() -> None:
    levels = PriceLevels()
    for number in range(MAX_CELLS // 100 + 50):
        minute = START_MS + number % 600 * MINUTE_MS
        for level in range(100):
            levels.take(facets(minute, 1.01**level, asset=f"A{number}"))
    assert levels.cells <= MAX_CELLS


def test_a_cascade_from_memory_has_its_own_seconds() -> None:
    window = Window(10**8)
    records = [one(0, 1, 10), one(1, 1.5, 5), one(2, 2, 9, Side.SHORT), one(3, 99, 4)]
    window.add(records, {Place(Stream.LIQUIDATIONS, 0): 4})
    assets = {each.facets.asset for each in records}
    alert = {"side": "LONG", "started_at_ms": START_MS, "timestamp_ms": START_MS + 10_000}
    seconds, prices = seconds_and_prices(window, {**alert, "asset": records[0].facets.asset})
    assert [each["value_usd"] for each in seconds] == ["10.00"] if len(assets) > 1 else ["15.00"]
    assert len(prices) == 1
    market, _ = seconds_and_prices(window, {**alert, "asset": ""})
    assert [(each["count"], each["value_usd"]) for each in market] == [(2, "15.00")]
