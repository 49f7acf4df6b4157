"""Strings that attack SQL, HTML, metrics or memory, where exchanges put symbols and users."""

import asyncio
import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from unicodedata import category
from urllib.request import urlopen

import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

from liq.cli.report.answers import NothingStoredError, ask, newest_period
from liq.cli.report.page import page as page_of
from liq.devstack.progress import PipelineProgress
from liq.processors.normalizers import FrameMetadata, NormalizerConfig, load_snapshot, normalize
from liq.runtime.kafka import new_producer
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.codec import encode
from liq.schemas.headers import FrameHeaders
from liq.schemas.records import Liquidation, Rejected
from liq.sinks.clickhouse.answers import asking
from liq.sinks.clickhouse.client import connect
from tests.conftest import RunWorker
from tests.support.pipeline_log import run_offline, values
from tests.support.sample_records import liquidation
from tests.support.sink_flow import send
from tests.support.venue_fixtures import exchange_of, fixture_paths

CONFIG = NormalizerConfig(Decimal(100_000), Decimal(100))
VENUES = ("binance", "bybit", "okx", "hyperliquid", "bitmex", "kraken")
RECEIVED_AT_MS = 1_790_000_000_000
SCRIPT = "<script>alert(1)</script>"
HOSTILE = (
    "'; DROP TABLE liquidations; --",
    '"} 1\nliq_forged_total{x="',
    "line\r\nbreak\ttab",
    "nul\0byte",
    "\\' OR 1=1 {symbol:String} %(symbol)s",
    SCRIPT,
    "\u202e\u0000\uff22\uff34\uff23\u20bf\U0001f4a5\u00e9",
    "\u202eTDSUCTB",
    "BTC\u200bUSDT",
    "\x1b[2J\x1b]0;owned\x07",
    "[link=https://example.com]BTC[/link]",
    "币安人生USDT",
    "بتكوين",
    "BTCUSDT\n",
    "A" * 10_000,
    "",
)
ADDRESS = re.compile(r"0x[0-9a-f]{40}", re.ASCII)
HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
MAX_SYMBOL_CHARACTERS = 128 + len("USDT")
STORED_TEXTS = ("symbol", "native_symbol", "base", "quote", "settle", "exchange")
USERS = ("liquidated_user", "liquidator")
MAX_DETAIL_CHARACTERS = 600
MAX_PARAMETER_BYTES = 1_000
MAX_SERIES = 2_000
WaitUntil = Callable[..., None]


def with_each_text_replaced(message: Any, hostile: str) -> Iterator[Any]:
    """Copies of a message, in each of which one of its strings is the hostile one."""
    if isinstance(message, str):
        yield hostile
    elif isinstance(message, dict):
        for name, value in message.items():
            for changed in with_each_text_replaced(value, hostile):
                yield {**message, name: changed}
    elif isinstance(message, list):
        for place, value in enumerate(message):
            for changed in with_each_text_replaced(value, hostile):
                yield [*message[:place], changed, *message[place + 1 :]]


def hostile_frames(exchange: str) -> list[tuple[str, bytes]]:
    """Feed and frame: every fixture of a venue, each string in it replaced by each hostile one."""
    frames: dict[tuple[str, bytes], None] = {}
    for path in fixture_paths(exchange):
        fixture = orjson.loads(path.read_bytes())
        if isinstance(fixture["frame"], str):
            continue
        for hostile in HOSTILE:
            for frame in with_each_text_replaced(fixture["frame"], hostile):
                frames[fixture["feed"], orjson.dumps(frame)] = None
    return list(frames)


def is_visible(text: str) -> bool:
    """Whether a text is short, and says on a screen what it is."""
    return 0 < len(text) <= MAX_SYMBOL_CHARACTERS and HIDDEN.isdisjoint(map(category, text))


@pytest.mark.parametrize("exchange", sorted(set(map(exchange_of, fixture_paths()))))
def test_nothing_invisible_becomes_part_of_an_event(exchange: str) -> None:
    instruments = load_snapshot()
    frames = hostile_frames(exchange)
    assert frames
    for feed, frame in frames:
        metadata = FrameMetadata(exchange, feed, RECEIVED_AT_MS)
        for result in normalize(frame, metadata, instruments, CONFIG):
            if isinstance(result, Rejected):
                assert len(result.detail) <= MAX_DETAIL_CHARACTERS
                assert result.payload == frame
                continue
            for name in STORED_TEXTS:
                assert is_visible(getattr(result, name)), (name, frame[:300])
            for name in USERS:
                user = getattr(result, name)
                assert user is None or ADDRESS.fullmatch(user), (name, frame[:300])


@pytest.fixture
def settings(make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("EXCHANGES", ",".join(VENUES))
    made = make_settings()
    asyncio.run(ensure_topics(made, VENUES))
    assert run_offline(made, "migrate").returncode == 0
    return made


async def publish_frames(settings: Settings, frames: dict[str, list[tuple[str, bytes]]]) -> None:
    producer = new_producer(settings, "test")
    await producer.start()
    for exchange, sent in frames.items():
        for number, (feed, frame) in enumerate(sent):
            headers = FrameHeaders(exchange, feed, RECEIVED_AT_MS * 1_000_000, "test", number)
            await producer.send(
                settings.topics.raw(exchange), frame, key=b"key", headers=headers.encode()
            )
    await producer.stop()


def is_done(settings: Settings) -> bool:
    async def ask() -> bool:
        topics = settings.topics
        async with PipelineProgress(settings) as progress:
            return (
                await progress.lag("normalize", [topics.raw(name) for name in VENUES]) == 0
                and await progress.lag("detect", [topics.events, topics.pulse]) == 0
                and await progress.lag("sink-clickhouse", [topics.events, topics.rejected]) == 0
            )

    return asyncio.run(ask())


def hostile_events() -> list[Liquidation]:
    """Records as a careless service could write them to the topic of events itself."""
    return [
        replace(
            liquidation(10_000 + number),
            symbol=hostile + "USDT",
            native_symbol=hostile,
            base=hostile,
            liquidated_user=hostile,
            liquidator=hostile,
        )
        for number, hostile in enumerate(HOSTILE)
        for _ in range(2)
    ]


def stored(settings: Settings, query: str, **parameters: str) -> list[Any]:
    with closing(connect(settings)) as client:
        return [row[0] for row in client.query(query, parameters=parameters).result_rows]


@pytest.mark.integration
@pytest.mark.timeout(240)
@pytest.mark.usefixtures("broker", "clickhouse")
@pytest.mark.slow
def test_hostile_strings_are_only_ever_data(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil, tmp_path: Path
) -> None:
    frames = {exchange: hostile_frames(exchange) for exchange in VENUES}
    frames["okx"] += [(hostile, b"{}") for hostile in HOSTILE]  # the feed's own name
    asyncio.run(publish_frames(settings, frames))
    events = hostile_events()
    sent = [encode(event) for event in events]
    asyncio.run(send(settings, {settings.topics.events: sent}))
    workers = [
        run_worker("process", "normalize", settings=settings),
        run_worker("process", "detect", settings=settings),
        run_worker("sink", "clickhouse", settings=settings),
    ]
    wait_until(lambda: is_done(settings), 90)

    rejected = [orjson.loads(value) for value in values(settings, settings.topics.rejected)]
    by_normalizer = [record for record in rejected if record["stage"] == "normalize"]
    assert {record["exchange"] for record in by_normalizer} == set(VENUES)
    counted = "SELECT toUInt64(count()) FROM rejected FINAL WHERE stage = 'normalize'"
    assert stored(settings, counted) == [len(by_normalizer)]
    payloads = stored(
        settings, "SELECT DISTINCT base64Encode(payload) FROM rejected WHERE exchange = 'okx'"
    )
    assert {orjson.dumps({})} < {b64decode(payload) for payload in payloads}
    pairs = "base64Encode(concat(coalesce(liquidated_user, ''), '\\n', native_symbol))"
    found = {
        b64decode(pair)
        for pair in stored(settings, f"SELECT {pairs} FROM liquidations FINAL")  # noqa: S608
    }
    for event in events:
        assert f"{event.liquidated_user or ''}\n{event.native_symbol}".encode() in found

    for worker in workers:
        with urlopen(f"{worker.health_url}/metrics") as answer:
            families = list(text_string_to_metric_families(answer.read().decode()))
        series = [sample for family in families for sample in family.samples]
        assert len(series) < MAX_SERIES
        assert not [family.name for family in families if "forged" in family.name]
        assert max(len(text) for one in series for text in (*one.labels.values(), "")) <= 200
    expect_harmless_answers(settings, tmp_path)


def expect_harmless_answers(settings: Settings, directory: Path) -> None:
    listed = run_offline(settings, "sql", "SELECT DISTINCT native_symbol FROM liquidations")
    assert listed.returncode == 0, listed.stderr
    shown = listed.stdout.decode()
    assert HIDDEN.isdisjoint(map(category, shown.replace("\n", "").replace("\t", "")))
    assert "币安人生USDT" in shown
    assert "[link=https://example.com]BTC[/link]" in shown
    page = directory / "report.html"
    made = run_offline(settings, "report", "--html", str(page))
    assert made.returncode == 0, made.stderr
    assert SCRIPT not in page.read_text()
    with asking(settings) as client:
        period = newest_period(client, 2, None)
        for hostile in HOSTILE:
            for symbol in (hostile, f"{hostile}USDT"):
                # The client sends a long one as a form, which the embedded ClickHouse reads not.
                if len(symbol.encode()) > MAX_PARAMETER_BYTES:
                    continue
                with suppress(NothingStoredError):
                    assert SCRIPT not in page_of(ask(client, period, symbol))
    refused = run_offline(settings, "sql", "DROP TABLE liquidations")
    assert refused.returncode == 65
    assert stored(settings, "SELECT toUInt64(count()) > 0 FROM liquidations") == [1]
