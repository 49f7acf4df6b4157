"""The measured recall of public feeds is that of the simulation, which knows the truth."""

import gzip
import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from benchmarks.hyperliquid.simulation import play, public_frames, truth_of
from benchmarks.hyperliquid.trades import BACKSTOP, MARKET, DayTrade, made_up
from liq.cli.main import app
from liq.cli.quality import Comparison, RawFrame, TooManyError
from liq.processors.normalizers import NormalizerConfig
from liq.schemas.capture import CaptureLine
from liq.schemas.codec import encode

CONFIG = NormalizerConfig(Decimal(100_000), Decimal(100))
DAY = made_up(3, exponent=1.0, count=300, makers=40)
TRUTH = truth_of(DAY)
NODE_DELAY_MS = 40


def node_frames(trades: Iterable[DayTrade] = DAY) -> Iterator[RawFrame]:
    for trade in trades:
        if trade.method:
            makes_event = trade.maker if trade.method == BACKSTOP else trade.taker
            pair = json.dumps([makes_event, trade.fill(makes_event)]).encode()
            yield RawFrame("nodeFills", trade.time_ms + NODE_DELAY_MS, pair)


def frames(sensors: Iterable[str]) -> list[RawFrame]:
    """Return a day's frames, with the edges covered by both sides."""
    start, end = DAY[0].time_ms - 1, DAY[-1].time_ms + 60_000
    edges = [
        RawFrame(feed, at, b"{}") for feed in ("nodeFills", "userFills") for at in (start, end)
    ]
    public = public_frames(DAY, set(sensors), is_amplified=True)
    return [*edges, *node_frames(), *(RawFrame(feed, at, value) for at, feed, value in public)]


def best_makers(count: int) -> list[str]:
    dollars: dict[str, Decimal] = {}
    for trade in DAY:
        if trade.method == MARKET:
            dollars[trade.maker] = dollars.get(trade.maker, Decimal(0)) + trade.usd
    return sorted(dollars, key=lambda name: -dollars[name])[:count]


def test_the_recall_is_what_the_simulation_knows() -> None:
    sensors = best_makers(3)
    comparison = Comparison(CONFIG)
    for frame in frames(sensors):
        comparison.add(*frame)
    found = comparison.quality((0, 1))
    assert found is not None
    assert set(found.sensors) == set(sensors)
    assert (found.events, found.unknown, found.different) == (len(TRUTH), 0, 0)
    assert found.complete_delay.p50_ms == NODE_DELAY_MS
    assert 0 < found.public_delay.p50_ms <= found.public_delay.p99_ms < 2_000
    assert [row.sensors for row in found.rows] == [0, 1, 3]
    for row in found.rows:
        followed = found.sensors[: row.sensors]
        alone = play(DAY, TRUTH, followed, is_amplified=False)
        amplified = play(DAY, TRUTH, followed, is_amplified=True)
        assert row.events == pytest.approx(alone.of_events)
        assert row.usd == pytest.approx(alone.of_usd)
        assert row.amplified_events == pytest.approx(amplified.of_events)
        assert row.amplified_usd == pytest.approx(amplified.of_usd)


def test_events_that_the_node_does_not_have_are_counted_apart() -> None:
    comparison = Comparison(CONFIG)
    missing = [frame for frame in frames(best_makers(1)) if frame.feed != "nodeFills"]
    edges = [RawFrame("nodeFills", DAY[0].time_ms - 1, b"{}")]
    edges += [RawFrame("nodeFills", DAY[-1].time_ms + 60_000, b"{}")]
    for frame in [*missing, *edges]:
        comparison.add(*frame)
    found = comparison.quality((0,))
    assert found is not None
    assert found.events == 0
    assert found.unknown > 0
    assert [row.events for row in found.rows] == [0.0]


def test_only_the_time_that_both_sides_cover_is_compared() -> None:
    middle = DAY[len(DAY) // 2].time_ms
    comparison = Comparison(CONFIG)
    for frame in node_frames():
        comparison.add(*frame)
    comparison.add("userFills", middle, b"{}")
    comparison.add("userFills", DAY[-1].time_ms + 60_000, b"{}")
    found = comparison.quality((0,))
    assert found is not None
    assert found.events == sum(1 for t in DAY if t.method and middle <= t.time_ms <= found.to_ms)
    assert found.from_ms == middle


def test_one_side_alone_cannot_be_compared_and_memory_is_bounded() -> None:
    comparison = Comparison(CONFIG, max_events=10)
    assert comparison.quality(()) is None
    *some, last = list(node_frames())[:11]
    for frame in some:
        comparison.add(*frame)
    with pytest.raises(TooManyError):
        comparison.add(*last)
    assert comparison.quality(()) is None


def write_capture(path: Path, given: Iterable[RawFrame]) -> None:
    lines = [
        encode(
            CaptureLine(
                received_at_ns=frame.received_ms * 1_000_000,
                exchange="hyperliquid",
                feed=frame.feed,
                frame=frame.value.decode(),
            )
        )
        for frame in given
    ]
    path.write_bytes(gzip.compress(b"\n".join(lines)))


def test_the_command_compares_captures(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl.gz"
    write_capture(path, frames(best_makers(2)))
    outcome = CliRunner().invoke(app, ["quality", "hyperliquid", str(path), "--json"])
    assert outcome.exit_code == 0, outcome.output
    found = orjson.loads(outcome.output)
    assert found["events"] == len(TRUTH)
    assert len(found["sensors"]) == 2
    text = CliRunner().invoke(app, ["quality", "hyperliquid", str(path)]).output
    assert f"{len(TRUTH)} liquidation fills" in text
    assert "0 public events are not in the complete feed, 0 differ" in text


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("binance", b"", "name hyperliquid"),
        ("hyperliquid", b"", "not both complete and public"),
        ("hyperliquid", b"nonsense\n", "line 1"),
    ],
)
def test_what_cannot_be_compared_is_a_sentence(
    tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    path = tmp_path / "capture.jsonl"
    path.write_bytes(content)
    outcome = CliRunner().invoke(app, ["quality", name, str(path)])
    assert outcome.exit_code == 78
    assert sentence in outcome.stderr.replace("\n", " ")
