"""Which accounts become sensors, and when one leaves for another."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liq.producers.sensors import Exchange, MakerTally, SensorPool
from liq.producers.sensors.amounts import MAX_RANKED_USD, MAX_USD
from liq.producers.sensors.pool import BARRED_MS, MAX_HITS, PROBE_AGAIN_MS, maker_hits
from liq.schemas.units import HOUR_MS
from tests.support.sensor_trades import START_MS, Trade, account

NOW_MS = START_MS + HOUR_MS
DWELL_MS = 600_000
VAULT = account(99)


def pool_of(*makers: int, count: int = 1) -> SensorPool:
    """Return a pool with makers as candidates, the first with the most dollars."""
    pool = SensorPool(count, frozenset({VAULT}), DWELL_MS)
    for place, maker in enumerate(makers):
        for _ in range(len(makers) - place):
            pool.makers.note(Trade(1, "BTC", 1, maker, "A", 7).public())
    return pool


def hits(maker: int, transactions: range, *, usd: str = "100") -> list[Any]:
    """Return an hour's fills of a maker: a quiet one, and one against each liquidation."""
    fills = [
        Trade(number, "BTC", 1, maker, "A", number).fill(of_taker=False) for number in transactions
    ]
    quiet = Trade(0, "BTC", 1, maker, "A", 1, is_liquidation=False).fill(of_taker=False)
    return [quiet, *({**fill, "px": usd, "sz": "1"} for fill in fills)]


def follow(pool: SensorPool, maker: int, now_ms: int) -> None:
    change = pool.exchange(now_ms)
    assert change is not None
    assert change.new == account(maker)
    pool.note_exchange(change, now_ms)


def test_the_makers_of_the_tape_are_asked_in_turn_and_again_after_an_hour() -> None:
    pool = pool_of(5, 6, 99)
    assert pool.next_probe(NOW_MS) == account(5)
    pool.note_fills(account(5), [], NOW_MS)
    assert pool.next_probe(NOW_MS) == account(6)
    pool.note_fills(account(6), [], NOW_MS + 1)
    # The vault is followed in any case, so it is never asked.
    assert pool.next_probe(NOW_MS + 2) is None
    assert pool.next_probe(NOW_MS + PROBE_AGAIN_MS) == account(5)


def test_nobody_is_followed_who_proves_nothing() -> None:
    pool = pool_of(5)
    pool.note_fills(account(5), hits(5, range(0)), NOW_MS)
    assert pool.exchange(NOW_MS) is None


def test_the_account_with_the_highest_yield_is_followed() -> None:
    pool = pool_of(5, 6)
    pool.note_fills(account(5), hits(5, range(1, 3)), NOW_MS)
    pool.note_fills(account(6), hits(6, range(10, 20)), NOW_MS)
    # Ten hits of 100 dollars in an hour, and ten minutes that every account gets as a prior.
    assert pool.exchange(NOW_MS) == Exchange(None, account(6), 857)


def test_the_same_liquidations_count_once() -> None:
    pool = pool_of(5, 6, 7, count=2)
    pool.note_fills(account(5), hits(5, range(1, 11)), NOW_MS)
    pool.note_fills(account(6), hits(6, range(1, 10)), NOW_MS)
    pool.note_fills(account(7), hits(7, range(20, 22)), NOW_MS)
    follow(pool, 5, NOW_MS)
    follow(pool, 7, NOW_MS)


def test_a_sensor_leaves_for_one_that_proves_a_quarter_more_but_not_at_once() -> None:
    pool = pool_of(5, 6)
    pool.note_fills(account(5), hits(5, range(1, 11)), NOW_MS)
    follow(pool, 5, NOW_MS)
    pool.note_fills(account(6), hits(6, range(50, 62)), NOW_MS)
    assert pool.exchange(NOW_MS + DWELL_MS) is None
    pool.note_fills(account(6), [], NOW_MS)
    better = [{**each, "time": NOW_MS} for each in hits(6, range(70, 100))]
    pool.note_fills(account(6), better, NOW_MS)
    assert pool.exchange(NOW_MS + DWELL_MS - 1) is None
    change = pool.exchange(NOW_MS + DWELL_MS)
    assert change is not None
    assert (change.old, change.new) == (account(5), account(6))
    pool.note_exchange(change, NOW_MS + DWELL_MS)
    assert list(pool.followed) == [account(6)]


def test_a_sensor_that_falls_silent_loses_its_place() -> None:
    pool = pool_of(5, 6)
    pool.note_fills(account(5), hits(5, range(1, 11)), NOW_MS)
    follow(pool, 5, NOW_MS)
    pool.note_fills(account(6), hits(6, range(50, 58)), NOW_MS)
    assert pool.exchange(NOW_MS + DWELL_MS) is None
    later_ms = NOW_MS + 5 * HOUR_MS
    pool.note_fills(account(5), hits(5, range(1, 11)), later_ms)
    change = pool.exchange(later_ms)
    assert change is not None
    assert (change.old, change.new) == (account(5), account(6))


def test_an_account_that_is_refused_leaves_and_is_left_out_for_an_hour() -> None:
    pool = pool_of(5)
    pool.note_fills(account(5), hits(5, range(1, 11)), NOW_MS)
    follow(pool, 5, NOW_MS)
    assert pool.note_refused({account(5), VAULT}, NOW_MS) == [account(5)]
    assert pool.exchange(NOW_MS + DWELL_MS) is None
    assert pool.next_probe(NOW_MS + BARRED_MS - 1) is None
    assert pool.next_probe(NOW_MS + BARRED_MS) == account(5)


def test_fills_that_were_counted_before_are_not_counted_again() -> None:
    pool = pool_of(5)
    pool.note_fills(account(5), hits(5, range(1, 11)), NOW_MS)
    first = pool.exchange(NOW_MS)
    pool.note_fills(account(5), hits(5, range(1, 11)), NOW_MS)
    assert pool.exchange(NOW_MS) == first


TRADE = Trade(1, "BTC", 1, 5, "A", 7).public()
MARKET = {"liquidatedUser": account(1), "markPx": "100", "method": "market"}


@pytest.mark.parametrize(
    "change",
    [
        {"liquidation": None},
        {"liquidation": {**MARKET, "method": "backstop"}},
        {"liquidation": {**MARKET, "liquidatedUser": account(5)}},
        {"liquidation": {**MARKET, "liquidatedUser": 7}},
        {"liquidation": {**MARKET, "liquidatedUser": account(0)}},
        {"liquidation": {**MARKET, "liquidatedUser": "everybody"}},
        {"liquidation": "market"},
        {"dir": "Auto-Deleveraging"},
        {"crossed": True},
        {"hash": "0x" + "0" * 64},
        {"px": "1e30"},
        {"px": "9e999999", "sz": "9e999999"},
        {"px": "1" * 41, "sz": "0." + "0" * 38},
        {"coin": "abc:XX", "feeToken": "HYPE"},
        {"tid": -1},
        {"px": "-5"},
        {"px": "NaN"},
        {"px": "much"},
        {"sz": 7},
        {"time": "now"},
        {"dir": []},
        {"side": []},
    ],
)
def test_forged_and_other_fills_prove_nothing(change: dict[str, Any]) -> None:
    fill = Trade(1, "BTC", 1, 5, "A", 7).fill(of_taker=False)
    assert len(maker_hits(account(5), [fill])) == 1
    assert maker_hits(account(5), [{**fill, **change}]) == []


def test_what_is_no_fill_proves_nothing() -> None:
    assert maker_hits(account(5), [None, [], "x", {}]) == []


@given(
    st.lists(st.tuples(st.integers(1, 300), st.decimals(-5, 10**13, places=2)), max_size=300),
    st.integers(2, 20),
)
def test_the_tally_is_bounded_and_its_largest_stay(
    trades: list[tuple[int, Decimal]], bound: int
) -> None:
    tally, dollars = MakerTally(max_makers=bound), dict[int, Decimal]()
    for maker, usd in trades:
        tally.note({**Trade(1, "BTC", 1, maker, "B", 7).public(), "px": str(usd), "sz": "1"})
        if 0 < usd <= MAX_USD:
            dollars[maker] = dollars.get(maker, Decimal(0)) + min(usd, MAX_RANKED_USD)
        assert len(tally) <= bound
    if len(dollars) <= bound:
        largest = sorted(dollars, key=lambda maker: (-dollars[maker], account(maker)))
        assert tally.top(3) == [account(maker) for maker in largest[:3]]


@pytest.mark.parametrize("number", ["9e999999", "1e999", "NaN", "-1", "0", "", "x" * 100, 7])
def test_a_trade_with_implausible_numbers_is_refused(number: Any) -> None:
    tally = MakerTally()
    assert not tally.note(TRADE | {"px": number, "sz": number})
    assert len(tally) == 0
    assert tally.note(TRADE)


def test_one_absurd_fill_buys_no_place() -> None:
    pool = pool_of(5, 6)
    pool.note_fills(account(5), hits(5, range(1, 2), usd=str(MAX_USD)), NOW_MS)
    pool.note_fills(account(6), hits(6, range(10, 13), usd="90000"), NOW_MS)
    change = pool.exchange(NOW_MS)
    assert change is not None
    assert change.new == account(6)


def test_absurd_fills_are_counted() -> None:
    pool = pool_of(5)
    [quiet, hit] = hits(5, range(1, 2))
    pool.note_fills(account(5), [quiet, {**hit, "px": "9e999999", "sz": "9e999999"}], NOW_MS)
    assert pool.refused == 1
    assert pool.exchange(NOW_MS) is None


@pytest.mark.parametrize(
    "trade", [None, {}, {"users": [1, 2], "side": "A"}, {"users": "ab"}, TRADE | {"side": []}]
)
def test_what_is_no_trade_is_not_counted(trade: Any) -> None:
    tally = MakerTally()
    tally.note(trade)
    assert len(tally) == 0


def test_the_hits_of_an_account_are_bounded() -> None:
    pool = pool_of(5)
    for hour in range(3):
        fills = [
            {**fill, "time": START_MS + hour * HOUR_MS + place}
            for place, fill in enumerate(hits(5, range(1, MAX_HITS)))
        ]
        pool.note_fills(account(5), fills, START_MS + (hour + 1) * HOUR_MS)
    [evidence] = pool._evidence.values()
    assert len(evidence.hits) == MAX_HITS
    assert evidence.observed_ms <= 2 * HOUR_MS
