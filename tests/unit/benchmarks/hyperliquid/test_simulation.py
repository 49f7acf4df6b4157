"""The simulation of Hyperliquid's public feeds: what it counts is what the product would give."""

import json
from collections.abc import Iterable
from pathlib import Path

import lz4.frame
import pytest

from benchmarks.hyperliquid.__main__ import GRID, SHARES, report, users_of
from benchmarks.hyperliquid.selection import (
    NEWEST_FILLS,
    every_hit,
    hits_of_candidates,
    share_of,
    with_share,
)
from benchmarks.hyperliquid.simulation import play, truth_of
from benchmarks.hyperliquid.trades import MARKET, DayTrade, account, made_up, of_files
from liq.producers.sensors import choose_sensors

DAY = made_up(3, exponent=1.0, count=300, makers=40)
TRUTH = truth_of(DAY)


def makers(trades: Iterable[DayTrade]) -> set[str]:
    return {trade.maker for trade in trades if trade.method == MARKET}


def test_every_maker_as_a_sensor_shows_everything_and_nothing_wrong() -> None:
    recall = play(DAY, TRUTH, makers(DAY), is_amplified=False)
    assert recall.wrong == 0
    assert (recall.events, recall.usd) == (recall.all_events, recall.all_usd)


def test_without_sensors_there_are_the_vaults() -> None:
    recall = play(DAY, TRUTH, (), is_amplified=True)
    takeovers = [trade for trade in DAY if trade.method == "backstop"]
    assert recall.events == len(takeovers) > 0


def test_amplification_shows_the_rest_of_each_order_that_a_sensor_met() -> None:
    hits = [trade.maker_fill() for trade in DAY if trade.method == MARKET]
    [best] = choose_sensors(hits, 1, is_amplified=True)
    alone = play(DAY, TRUTH, [best.account], is_amplified=False)
    amplified = play(DAY, TRUTH, [best.account], is_amplified=True)
    met = {trade.hash for trade in DAY if trade.maker == best.account and trade.method == MARKET}
    expected = [one for one in DAY if one.method == "backstop" or (one.method and one.hash in met)]
    assert amplified.wrong == 0
    assert alone.events < amplified.events == len(expected)


def trade(number: int, maker: int, price: str, *, hour: int = 0) -> DayTrade:
    return DayTrade(
        hour * 3_600_000, "BTC", number, f"0x{number:064x}", account(1), account(maker), "A",
        price, "1", MARKET,
    )  # fmt: skip


def test_the_selection_sees_the_largest_makers_and_their_newest_fills_of_each_hour() -> None:
    small = [trade(number, 100 + number, "1") for number in range(50)]
    largest = [trade(1_000 + number, 5, "100") for number in range(NEWEST_FILLS + 10)]
    later = [trade(9_000, 5, "100", hour=1)]
    seen = hits_of_candidates([*small, *largest, *later])
    assert len({hit.maker for hit in seen}) == 40
    orders = {hit.order for hit in seen if hit.maker == account(5)}
    newest = [*largest[10:], *later]
    assert orders == {hit.order for hit in every_hit(newest)}


def test_accounts_of_a_share_leave_out_who_exceeds_it() -> None:
    day = [trade(1, 11, "50"), trade(2, 12, "30"), trade(3, 13, "15"), trade(4, 14, "5")]
    order = [account(maker) for maker in (11, 12, 13, 14)]
    assert with_share(day, order, 0.2) == [account(13), account(14)]
    assert with_share(day, order, 0.5) == [account(11)]
    assert share_of(day, [account(13), account(14)]) == pytest.approx(0.2)


def test_the_report_has_every_number_and_every_share(capsys: pytest.CaptureFixture[str]) -> None:
    report(made_up(3, exponent=1.0, count=40, makers=10))
    shown = capsys.readouterr().out
    assert shown.count("%") >= 5 * (len(GRID) + len(SHARES))
    assert "<- one address" in shown
    assert "<- 2% (published: HLP has less)" in shown


@pytest.mark.parametrize("suffix", ["", ".lz4"])
def test_a_nodes_files_give_the_same_day(tmp_path: Path, suffix: str) -> None:
    lines = [
        json.dumps({"block_number": 1, "events": [[one, trade.fill(one)] for one in both]})
        for trade in DAY
        if trade.method and (both := (trade.taker, trade.maker))
    ]
    content = "\n".join(lines).encode()
    path = tmp_path / f"21{suffix}"
    path.write_bytes(lz4.frame.compress(content) if suffix else content)
    found = of_files([path])
    assert {(one.tid, one.taker, one.maker, one.side, one.method) for one in found} == {
        (one.tid, one.taker, one.maker, one.side, one.method) for one in DAY if one.method
    }
    assert set(truth_of(found)) == set(TRUTH)
    assert len(set(users_of(found))) == 10
