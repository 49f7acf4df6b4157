"""The simulation of Hyperliquid's public feeds: what it counts is what the product would give."""

import json
from collections.abc import Iterable
from pathlib import Path

import lz4.frame
import pytest

from benchmarks.hyperliquid.__main__ import users_of
from benchmarks.hyperliquid.simulation import play, truth_of
from benchmarks.hyperliquid.trades import MARKET, DayTrade, made_up, of_files
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
