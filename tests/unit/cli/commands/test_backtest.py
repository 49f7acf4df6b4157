"""`liq backtest`: what `liq detect` says of the same events, for each configuration."""

import gzip
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from liq.cli.backtesting.detection import detect
from liq.cli.backtesting.sources import SourceCounts, observations_of, of_files
from liq.cli.commands import backtest
from liq.cli.importing.files import find_files
from liq.cli.importing.run import identify
from liq.processors.backtesting import Configuration, changed
from liq.processors.cascades import CascadeEngine, DetectorConfig
from liq.processors.cascades.observation import Observation, view_event
from liq.runtime.errors import DependencyError
from liq.schemas.codec import encode
from liq.schemas.records import Liquidation
from tests.support.archive_files import AGENTFEED, BOOK, CONFIG
from tests.support.cascade_events import liquidation

VENUES = ("binance", "bybit", "okx")
BASE = DetectorConfig()
LOWER = changed(BASE, {"min_value_usd": 1_000})
HIGHER = changed(BASE, {"min_value_usd": 100_000_000})


def burst(count: int = 60) -> list[Liquidation]:
    return [
        liquidation(
            f"e{number}",
            number * 500,
            exchange=VENUES[number % 3],
            value_usd="25000",
            received_at_ms=number * 500,
        )
        for number in range(count)
    ]


def observed(events: list[Liquidation]) -> list[Observation]:
    views = [view_event(event, takes_history=True) for event in events]
    return [view for view in views if isinstance(view, Observation)]


def alerts_of(config: DetectorConfig, events: list[Liquidation]) -> list[bytes]:
    engine = CascadeEngine(config)
    found = [
        a for place, event in enumerate(observed(events)) for a in engine.observe(event, place)
    ]
    return [encode(alert) for alert in [*found, *engine.finish()]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    app.command()(backtest.run)
    return lambda *arguments: CliRunner().invoke(app, [*map(str, arguments)])


def written(path: Path, events: list[Liquidation]) -> Path:
    path.write_bytes(b"\n".join(map(encode, events)) + b"\n")
    return path


def by_configuration(path: Path) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for line in path.read_bytes().splitlines():
        document = orjson.loads(line)
        found.setdefault(document["configuration"], []).append(document["alert"])
    return found


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_every_configuration_says_what_it_says_alone(
    run: Callable[..., Any], tmp_path: Path, jobs: str
) -> None:
    path = written(tmp_path / "events.jsonl", burst())
    out = tmp_path / "out.jsonl"
    toml = tmp_path / "more.toml"
    toml.write_text("[deaf]\nmin_value_usd = 100_000_000\n")
    result = run(path, "--set", "min_value_usd=1000", "--config", toml, "--to", out, "--jobs", jobs)
    assert result.exit_code == 0, result.output
    found = by_configuration(out)
    expected = {"settings": BASE, "min_value_usd=1000": LOWER, "deaf": HIGHER}
    for name, config in expected.items():
        alerts = [orjson.loads(alert) for alert in alerts_of(config, burst())]
        assert found.get(name, []) == alerts, name
    assert found["settings"]
    assert "deaf" not in found
    assert "60 events" in result.stdout


def test_imported_events_count_like_the_rest(run: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl.gz"
    late = [encode(e).replace(b'"live"', b'"imported"') for e in burst()]
    path.write_bytes(gzip.compress(b'{"clock_ms":1}\n' + b"\n".join(late)))
    out = tmp_path / "out.jsonl"
    assert run(path, "--to", out).exit_code == 0
    alerts = [orjson.loads(alert) for alert in alerts_of(BASE, burst())]
    assert by_configuration(out)["settings"] == alerts


def test_bad_lines_are_counted_and_the_first_named(run: Callable[..., Any], tmp_path: Path) -> None:
    path = written(tmp_path / "events.jsonl", burst())
    path.write_bytes(path.read_bytes() + b"{\n")
    result = run(path)
    assert result.exit_code == 0
    assert "1 lines give no event" in result.stderr
    assert "line 61" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--set", "nats=1"], "none of"),
        (["--set", "min_events=8", "--set", "min_events=8"], "Two configurations"),
        (["--since", "2026-01-01"], "leave FILES out"),
        (["--config", "missing.toml"], "cannot be used"),
    ],
)
def test_what_cannot_be_is_a_sentence(
    run: Callable[..., Any], tmp_path: Path, arguments: list[str], says: str
) -> None:
    result = run(written(tmp_path / "events.jsonl", burst()), *arguments)
    assert result.exit_code in {2, 78}
    assert says in result.stderr


def test_without_files_or_a_time_there_is_nothing_to_test(run: Callable[..., Any]) -> None:
    assert "--since DAY" in run().stderr


def observations(paths: list[Path]) -> list[Observation]:
    source = of_files(identify(find_files(paths), ""), BOOK, CONFIG)
    return [event for chunk in source.chunks() for event in chunk]


@settings(max_examples=25)
@given(numbers=st.lists(st.integers(0, 3), min_size=1, max_size=40), data=st.data())
def test_files_are_merged_by_receipt_and_what_two_hold_counts_once(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[int], data: st.DataObject
) -> None:
    """Each event is in one file, or in two."""
    folder = tmp_path_factory.mktemp("merged")
    events = burst(len(numbers))
    for number in range(4):
        also = data.draw(st.sets(st.integers(0, len(numbers) - 1), max_size=5))
        held = [e for place, e in enumerate(events) if numbers[place] == number or place in also]
        if held:
            written(folder / f"{number}.jsonl", held)
    assert observations([folder]) == observed(events)


def test_archives_and_parquet_are_read_like_events(tmp_path: Path) -> None:
    rows = [
        f"{1_783_591_834_000 + n * 500},x,SOLUSDT,bybit,long_liquidated,{n + 1},78.5,0"
        for n in range(20)
    ]
    archive = tmp_path / "a.csv"
    archive.write_text("\n".join([AGENTFEED, *rows]))
    found = observations([archive])
    assert [event.cents for event in found] == [(n + 1) * 7_850 for n in range(20)]

    events = burst(20)
    names = ("event_id", "base", "exchange", "symbol", "value_usd", "price")
    columns = {name: [getattr(event, name) for event in events] for name in names}
    for name in ("side", "completeness", "price_kind"):
        columns[name] = [getattr(event, name).value for event in events]
    for name in ("timestamp", "received_at"):
        times = [getattr(event, f"{name}_ms") for event in events]
        columns[name] = pa.array(times, pa.timestamp("ms", "UTC"))
    columns["native_symbol"] = columns["symbol"]
    path = tmp_path / "liquidations.parquet"
    pq.write_table(pa.table(columns), path)
    assert observations([path]) == observed(events)


def test_numbers_that_no_market_has_are_left_out_and_counted() -> None:
    [event] = observed(burst(1))
    row = (event.event_id, "BTC", "LONG", "okx", "BTCUSDT", 1, 2)
    counts = SourceCounts()
    found = list(
        observations_of(
            [
                (*row, event.price * 10**12, event.price, "complete", "fill"),
                (*row, event.price, event.price, "complete", "fill"),
            ],
            counts,
        )
    )
    assert (len(found), counts.implausible) == (1, 1)


def test_processes_say_what_one_says(tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311 - no secrets
    events = observed(burst(300))
    chunks = [events[start : start + 50] for start in range(0, 300, 50)]
    values = [chance.randrange(1_000, 400_000) for _ in range(5)]
    configurations = [
        Configuration(str(value), changed(BASE, {"min_value_usd": value})) for value in values
    ]
    found = []
    for processes in (1, 3):
        folder = tmp_path / str(processes)
        folder.mkdir()
        paths = detect(configurations, chunks, folder, processes=processes)
        found.append([path.read_bytes() for path in paths])
    assert found[0] == found[1]
    assert any(found[0])


def test_a_process_that_dies_is_a_sentence(tmp_path: Path) -> None:
    configurations = [Configuration(name, BASE) for name in "ab"]
    missing = tmp_path / "missing"
    with pytest.raises(DependencyError, match="ended with"):
        detect(configurations, [observed(burst())] * 1_000, missing, processes=2)
