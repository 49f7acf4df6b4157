"""`liq detect` and `liq tune` over a small log on standard input."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
import typer
from typer.testing import CliRunner

from liq.cli.commands import offline, tune
from liq.schemas.codec import encode
from liq.schemas.vocabulary import Arrival
from tests.support.cascade_events import START_MS, liquidation

VENUES = ("binance", "bybit", "okx")
HEARTBEAT = b'{"clock_ms":%d}' % (START_MS + 400_000)


@pytest.fixture
def run() -> Callable[..., Any]:
    """Run one command with lines as its input."""

    def invoke(command: Callable[..., Any], *arguments: str, lines: list[bytes]) -> Any:
        app = typer.Typer()
        app.command()(command)
        return CliRunner().invoke(app, list(arguments), input=b"\n".join(lines) + b"\n")

    return invoke


def burst(count: int = 30, value_usd: str = "25000") -> list[bytes]:
    return [
        encode(
            liquidation(
                f"e{number}",
                number * 500,
                exchange=VENUES[number % 3],
                value_usd=value_usd,
                received_at_ms=number * 500,
            )
        )
        for number in range(count)
    ]


def test_a_burst_is_told_from_start_to_end(run: Callable[..., Any]) -> None:
    result = run(offline.detect, lines=[*burst(), HEARTBEAT])
    types = [orjson.loads(line)["type"] for line in result.stdout_bytes.splitlines()]
    assert result.exit_code == 0
    assert (types[0], types[-1]) == ("CASCADE_DETECTED", "CASCADE_ENDED")
    assert "CASCADE_WATCH" not in types


@pytest.mark.parametrize("arrival", [each for each in Arrival if each is not Arrival.LIVE])
@pytest.mark.parametrize("profile", ["default", "basic"])
def test_a_burst_that_came_late_by_nature_is_history(
    run: Callable[..., Any], profile: str, arrival: Arrival
) -> None:
    said = f'"arrival":"{arrival}"'.encode()
    late = [line.replace(b'"arrival":"live"', said) for line in burst()]
    assert late != burst()
    result = run(offline.detect, "--profile", profile, lines=[*late, HEARTBEAT])
    assert (result.exit_code, result.stdout_bytes) == (0, b"")


def test_watches_are_shown_when_asked_for(run: Callable[..., Any]) -> None:
    result = run(offline.detect, "--watches", lines=burst())
    assert b"CASCADE_WATCH" in result.stdout_bytes.splitlines()[0]


def test_explain_writes_sentences(run: Callable[..., Any]) -> None:
    result = run(offline.detect, "--explain", lines=burst())
    last = result.stdout.splitlines()[-1]
    assert last.startswith("BTC longs, cascade ended (")
    assert "30 liquidations, $750k in 15 s on 3 venues" in last
    assert last.endswith("; 100% one-sided")


def test_what_is_open_at_the_end_stays_open_when_asked_for(run: Callable[..., Any]) -> None:
    whole = run(offline.detect, lines=burst()).stdout_bytes.splitlines()
    result = run(offline.detect, "--no-end", lines=burst()).stdout_bytes.splitlines()
    assert result == whole[: len(result)] != []
    assert orjson.loads(whole[-1])["type"] == "CASCADE_ENDED"
    assert b"CASCADE_ENDED" not in b"".join(result)


def test_the_basic_profile_alerts_on_every_event_from_the_fifth_on(
    run: Callable[..., Any],
) -> None:
    result = run(offline.detect, "--profile", "basic", lines=[*burst(10), HEARTBEAT])
    alerts = [orjson.loads(line) for line in result.stdout_bytes.splitlines()]
    assert [alert["event_count"] for alert in alerts] == [5, 6, 7, 8, 9, 10]
    assert {alert["detector"] for alert in alerts} == {"basic-1"}


def test_partitions_one_after_another_give_what_their_merge_gives(
    run: Callable[..., Any],
) -> None:
    lines = burst()
    ordered = run(offline.detect, lines=lines)
    parted = run(offline.detect, "--unordered", lines=[*lines[1::2], *lines[::2]])
    assert parted.stdout_bytes == ordered.stdout_bytes != b""


def test_a_broken_line_is_named_and_skipped(run: Callable[..., Any]) -> None:
    whole = run(offline.detect, lines=burst())
    broken = run(offline.detect, lines=[*burst(10), b"{", *burst()[10:]])
    assert broken.exit_code == 2
    assert broken.stdout_bytes == whole.stdout_bytes
    assert orjson.loads(broken.stderr)["line"] == 11


def test_tune_shows_what_a_threshold_does(run: Callable[..., Any]) -> None:
    result = run(tune.tune, "min_value_usd", "100000", "100000000", lines=burst())
    assert result.exit_code == 0
    low, high = (
        next(line for line in result.stdout.splitlines() if f" {value} " in line)
        for value in ("100000", "100000000")
    )
    assert "100%" in low
    assert "0%" in high.replace("100%", "")


@pytest.mark.parametrize(("name", "value"), [("min_value_usd", "-5"), ("start_nats", "much")])
def test_tune_names_a_senseless_value(run: Callable[..., Any], name: str, value: str) -> None:
    result = run(tune.tune, name, "--", value, lines=burst())
    assert result.exit_code == 78
    assert f"{name}={value}" in result.stderr
