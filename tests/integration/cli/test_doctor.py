"""`liq doctor` against local exchanges: it sees every misbehaviour that they can play."""

import asyncio
import gzip
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
from typer.testing import CliRunner

from liq.cli.doctor import CaptureWriter, Level, Pseudonyms, Report, document, examine, exit_code
from liq.cli.main import app
from liq.devstack.exchange.dialect import Dialect
from liq.devstack.exchange.misbehaviour import Misbehaviour, misbehave
from liq.devstack.exchange.registry import DIALECTS, dialect
from liq.devstack.exchange.server import LocalExchange
from liq.processors.normalizers.venues.hyperliquid import LIQUIDATOR_VAULTS
from liq.producers.feeds import Heartbeat
from liq.producers.feeds.settings import Target
from liq.producers.live import Timing
from liq.runtime.settings import Settings
from liq.schemas.capture import CaptureLine
from liq.schemas.codec import encode
from tests.support.live_producer import FAST, IMPATIENT, target
from tests.support.local_venues import sending
from tests.support.paths import DOCS

pytestmark = pytest.mark.integration

SECONDS: Final = 2.5
PATIENT: Final = replace(FAST, relist=3_600.0)
#: Subscriptions without an answer are given up within the time of listening.
ANSWERED_SOON: Final = replace(IMPATIENT, relist=3_600.0)
UNANSWERED: Final = (Misbehaviour.MUTE, Misbehaviour.SOME_UNANSWERED)
# Half-open connections are noticed within the time of listening.
HEARTBEAT: Final = Heartbeat(every_seconds=0.3, answer_seconds=0.5)


@dataclass(frozen=True)
class Shown:
    """What the doctor says of a feed that misbehaves."""

    level: Level
    words: str
    is_reached: bool = True
    exit_code: int = 2


NOT_REACHED: Final = (False, 69)
SHOWN: Final = {
    Misbehaviour.HANDSHAKE_REFUSED: Shown(
        Level.NOT_REACHED, "answered with HTTP 403", is_reached=False, exit_code=69
    ),
    Misbehaviour.RATE_LIMITED: Shown(
        Level.NOT_REACHED, "answered with HTTP 429", is_reached=False, exit_code=69
    ),
    Misbehaviour.LISTING_REFUSED: Shown(
        Level.NOT_REACHED,
        "markets could not be listed: bybit.linear: 503",
        is_reached=False,
        exit_code=69,
    ),
    Misbehaviour.LISTING_EMPTY: Shown(
        Level.NOT_REACHED, "the listing is empty", is_reached=False, exit_code=69
    ),
    Misbehaviour.LISTING_UNREADABLE: Shown(
        Level.NOT_REACHED, "the listing cannot be read", is_reached=False, exit_code=69
    ),
    Misbehaviour.ALL_REFUSED: Shown(Level.FAILED, "refuses 2 of 2 subscriptions"),
    Misbehaviour.SOME_REFUSED: Shown(
        Level.WARNING, "refuses 1 of 2 subscriptions, such as ETHUSDT", exit_code=0
    ),
    Misbehaviour.MUTE: Shown(Level.FAILED, "does not answer 2 of 2 subscriptions"),
    Misbehaviour.SOME_UNANSWERED: Shown(
        Level.WARNING, "does not answer 1 of 2 subscriptions, such as ETHUSDT", exit_code=0
    ),
    Misbehaviour.SLOW_ANSWERS: Shown(Level.WARNING, "answered only after", exit_code=0),
    Misbehaviour.HALF_OPEN: Shown(Level.WARNING, "ended once: half-open", exit_code=0),
    Misbehaviour.CLOSES_AT_ONCE: Shown(Level.FAILED, "not subscribed at the end"),
    Misbehaviour.CLOSES_FOR_A_REASON: Shown(Level.FAILED, "too many subscriptions"),
    Misbehaviour.SILENT: Shown(Level.WARNING, "silent for longer than the usual", exit_code=0),
    Misbehaviour.GARBAGE: Shown(Level.WARNING, "cannot be read, mostly not_json", exit_code=0),
    Misbehaviour.NOT_TEXT: Shown(Level.WARNING, "cannot be read, mostly not_json", exit_code=0),
    Misbehaviour.UNKNOWN_SHAPE: Shown(
        Level.WARNING, "cannot be read, mostly unknown_message", exit_code=0
    ),
    Misbehaviour.OVERSIZE: Shown(Level.FAILED, "oversize"),
    Misbehaviour.CLOCK_BEHIND: Shown(Level.OK, "Reads well", exit_code=2),
    Misbehaviour.CLOCK_AHEAD: Shown(Level.OK, "Reads well", exit_code=2),
}


@pytest.fixture
def bybit() -> Iterator[LocalExchange]:
    with LocalExchange(dialect("bybit", "linear")) as exchange:
        exchange.list_markets("BTCUSDT", "ETHUSDT")
        exchange.clock_offset_ms = 0
        yield exchange


def report_on(
    exchanges: Sequence[LocalExchange],
    *,
    seconds: float = SECONDS,
    timing: Timing = PATIENT,
    capture: CaptureWriter | None = None,
    **changes: Any,
) -> Report:
    """Examine some local exchanges, which send data meanwhile."""
    targets: tuple[Target, ...] = tuple(target(each, **changes) for each in exchanges)

    async def work() -> Report:
        return await examine(
            Settings(),
            targets,
            exchanges=(),
            skipped=frozenset({"kafka", "clickhouse"}),
            seconds=seconds,
            stop=asyncio.Event(),
            timing=timing,
            capture=capture,
        )

    with sending(exchanges):
        return asyncio.run(work())


@pytest.mark.parametrize("kind", Misbehaviour)
def test_every_misbehaviour_is_shown(
    kind: Misbehaviour, bybit: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liq.cli.doctor.judgement.SLOW_ANSWER_SECONDS", 0.5)
    misbehave(bybit, kind)
    # A connection without a pong is closed without an answer, which takes two seconds.
    seconds = 4.0 if kind is Misbehaviour.HALF_OPEN else SECONDS
    report = report_on(
        [bybit],
        seconds=seconds,
        timing=ANSWERED_SOON if kind in UNANSWERED else PATIENT,
        heartbeat=HEARTBEAT,
        silence_seconds=1.0,
        names_per_request=1 if kind is Misbehaviour.SOME_UNANSWERED else 50,
    )
    [feed] = document(report, None)["feeds"]
    shown = SHOWN[kind]
    assert (feed["level"], feed["is_reached"]) == (shown.level, shown.is_reached), feed
    assert shown.words in feed["verdict"]
    assert exit_code(report.level) == shown.exit_code


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Misbehaviour.CLOCK_BEHIND, "60.0 s ahead of bybit"),
        (Misbehaviour.CLOCK_AHEAD, "60.0 s behind bybit"),
    ],
)
def test_a_single_clock_that_differs_is_said_of_this_machine(
    kind: Misbehaviour, words: str, bybit: LocalExchange
) -> None:
    misbehave(bybit, kind)
    [clock] = [check for check in report_on([bybit]).checks if check.name == "clock"]
    assert clock.level is Level.FAILED
    assert words in clock.sentence


def test_one_wrong_clock_among_several_is_that_venues() -> None:
    with ExitStack() as stack:
        feeds = [("bybit", "linear"), ("gate", "usdt"), ("binance", "usdm")]
        exchanges = [stack.enter_context(LocalExchange(dialect(*feed))) for feed in feeds]
        for exchange in exchanges:
            exchange.clock_offset_ms = 0
        misbehave(exchanges[2], Misbehaviour.CLOCK_BEHIND)
        report = report_on(exchanges)
    [clock] = [check for check in report.checks if check.name == "clock"]
    assert clock.level is Level.OK
    [binance] = [each for each in report.feeds if each.seen.feed.exchange == "binance"]
    assert binance.finding.level is Level.WARNING
    assert "dates its frames 60.0 s behind the other clocks" in binance.finding.sentence


def test_a_venue_that_changed_its_dialect_fails(bybit: LocalExchange) -> None:
    misbehave(bybit, Misbehaviour.SILENT)
    misbehave(bybit, Misbehaviour.UNKNOWN_SHAPE)
    report = report_on([bybit])
    [feed] = document(report, None)["feeds"]
    assert feed["level"] is Level.FAILED
    assert feed["commonest_rejection"]["reason"] == "unknown_message"
    assert exit_code(report.level) == 2


def test_contracts_that_the_book_lacks_are_counted() -> None:
    with LocalExchange(dialect("okx", "public")) as okx:
        okx.clock_offset_ms = 0
        okx.greeting = orjson.dumps(okx.dialect.frame("NEW-USDT-SWAP", 1)).decode()
        report = report_on([okx])
    [feed] = document(report, None)["feeds"]
    assert feed["level"] is Level.WARNING
    assert feed["contracts_known_share"] == 0.5
    assert "contract sizes of 1 of 2 symbols are not known" in feed["verdict"]


def test_every_dialect_is_reached_answered_and_read() -> None:
    with ExitStack() as stack:
        exchanges = [stack.enter_context(LocalExchange(each)) for each in DIALECTS]
        for exchange in exchanges:
            exchange.clock_offset_ms = 0
        report = report_on(exchanges, seconds=6.0)
    for feed in document(report, None)["feeds"]:
        assert feed["is_reached"], feed
        assert feed["is_subscribed"], feed
        assert feed["events"], feed
        assert not feed["rejected"], feed
    # Every clock of this machine is the same clock.
    [clock] = [check for check in report.checks if check.name == "clock"]
    assert clock.level is Level.OK, clock


def test_the_command_prints_tables_or_the_documented_document(
    bybit: LocalExchange, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for setting, text in bybit.environment.items():
        monkeypatch.setenv(setting, text)
    monkeypatch.setenv("BYBIT_INVERSE_WS_URL", "ws://127.0.0.1:1/")
    monkeypatch.setenv("BYBIT_INVERSE_SYMBOLS", "BTCUSD")
    command = ["doctor", "bybit", "--seconds", "2", "--skip", "kafka,clickhouse"]
    path = tmp_path / "frames.jsonl.gz"
    with sending([bybit]):
        table = CliRunner().invoke(app, command)
        machine = CliRunner().invoke(app, [*command, "--json", "--capture", str(path)])
    assert table.exit_code == machine.exit_code == 69, table.output
    for words in ("bybit.linear", "Reads well", "bybit.inverse: Not reached", "Surroundings"):
        assert words in table.output
    found = orjson.loads(machine.stdout)
    assert found["exit_code"] == 69
    assert found["capture"]["frames"] == found["feeds"][0]["frames"] + 1, "and its acknowledgement"
    documented = _documented()
    assert _keys(found) == _keys(documented)
    assert _keys(found["feeds"][0]) == _keys(documented["feeds"][0])
    assert _keys(found["checks"][0]) == _keys(documented["checks"][0])
    assert _keys(found["capture"]) == _keys(documented["capture"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--skip", "kafak"], "there is no such part"),
        (["nowhere"], "no producer for nowhere"),
        (["okx", "--capture", "/"], "exists already"),
    ],
)
def test_a_mistake_ends_the_start_with_a_sentence(arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(app, ["doctor", *arguments])
    assert result.exit_code == 78
    assert words in " ".join(result.output.split())


@pytest.mark.parametrize("name", ["frames.jsonl", "frames.jsonl.gz"])
def test_a_capture_reads_as_it_was_heard_without_the_accounts(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    feeds = [("hyperliquid", "userFills"), ("okx", "public"), ("htx", "linear")]
    with ExitStack() as stack:
        exchanges = [stack.enter_context(LocalExchange(dialect(*feed))) for feed in feeds]
        for exchange in exchanges:
            exchange.clock_offset_ms = 0
        capture = CaptureWriter(path, Pseudonyms(kept=LIQUIDATOR_VAULTS))
        report = report_on(exchanges, capture=capture)
        capture.close()
        heard = [(each.dialect, frame) for each in exchanges for frame in each.ledger]
    text = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
    assert b"0xcb02837caaee310c178501855b63bf7f4f4b1f8b" not in text
    assert b"subscriptionResponse" in text, "control frames are kept too"
    result = CliRunner().invoke(app, ["normalize"], input=text)
    events = [orjson.loads(line) for line in result.stdout.splitlines()]
    counted = {each.seen.feed.exchange: each.seen.events for each in report.feeds}
    assert all(counted.values())
    for exchange_name, count in counted.items():
        assert count == sum(event["exchange"] == exchange_name for event in events)
    assert {event["event_id"] for event in events} <= _event_ids(heard)
    [taken] = {e["liquidated_user"] for e in events if e["exchange"] == "hyperliquid"}
    assert taken.startswith("0x")
    assert capture.replaced > 1


def _documented() -> Any:
    """The example of docs/doctor.md."""
    text = (DOCS / "doctor.md").read_text()
    return orjson.loads(text.partition("```json\n")[2].partition("```")[0])


def _keys(document: dict[str, Any]) -> list[str]:
    return list(document)


def _event_ids(frames: list[tuple[Dialect, bytes]]) -> set[str]:
    """The ids of what exchanges sent."""
    lines = [
        encode(
            CaptureLine(
                received_at_ns=time.time_ns(),
                exchange=each.exchange,
                feed=each.feed,
                frame=frame.decode(),
            )
        )
        for each, frame in frames
    ]
    result = CliRunner().invoke(app, ["normalize"], input=b"\n".join(lines))
    return {orjson.loads(line)["event_id"] for line in result.stdout.splitlines()}
