"""Rates on their whole way: events and tickers, the rates topic, frames' headers, dollars."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import orjson
import pytest

from liq.devstack.exchange.server import LocalExchange
from liq.devstack.ports import LOOPBACK, free_port
from liq.producers.reference.rates import CURRENCIES
from liq.producers.reference.rates import run as publish_rates
from liq.runtime.kafka import new_producer
from liq.runtime.metrics import ERRORS
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.codec import decode, encode
from liq.schemas.headers import RATES, text_header
from liq.schemas.records import Liquidation, Rate
from liq.schemas.vocabulary import ContractKind, PriceKind
from tests.conftest import RunWorker
from tests.integration.producers.live.conftest import StartProcess, WaitUntil
from tests.support.feed_log import FeedLog
from tests.support.pipeline_log import run_offline, values
from tests.support.sample_records import liquidation

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

PAIRS = {
    "XXBTZUSD": "1000",
    "XETHZUSD": "2500",
    "ZEURZUSD": "1.1",
    "USDTZUSD": "1.0001",
    "USDCUSD": "1",
}


@contextmanager
def local_ticker(prices: dict[str, str]) -> Iterator[str]:
    """A ticker in Kraken's form, whose prices the test may change."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"result": {pair: {"c": [usd]} for pair, usd in prices.items()}})
            self.send_response(200 if prices else 503)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Write nothing."""

    with HTTPServer((LOOPBACK, free_port()), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{LOOPBACK}:{server.server_port}/ticker"
        server.shutdown()


@contextmanager
def publishing(settings: Settings, interval_seconds: float = 0.2) -> Iterator[None]:
    """Rates are published while the context is open."""
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    errors: list[BaseException] = []

    def work() -> None:
        try:
            loop.run_until_complete(
                publish_rates(settings, stop, interval_seconds=interval_seconds)
            )
        except BaseException as error:  # noqa: BLE001 - raised below
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(60)
        loop.close()
    if errors:
        raise errors[0]


def send(settings: Settings, topic: str, *records: tuple[str, bytes | None]) -> None:
    async def work() -> None:
        producer = new_producer(settings, "test")
        await producer.start()
        for key, value in records:
            await producer.send_and_wait(topic, value, key=key.encode())
        await producer.stop()

    asyncio.run(work())


def fill(number: int, exchange: str, base: str, usd: str) -> tuple[str, bytes]:
    event = replace(
        liquidation(number),
        exchange=exchange,
        base=base,
        quote="USDT",
        contract=ContractKind.LINEAR,
        price=Decimal(usd),
        price_kind=PriceKind.FILL,
        received_at_ms=time.time_ns() // 1_000_000,
    )
    return base, encode(event)


def known_rates(settings: Settings) -> dict[str, Rate]:
    found = [decode(Rate, value) for value in values(settings, settings.topics.rates)]
    return {rate.currency: rate for rate in found}


@pytest.fixture
def made(make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings for BitMEX, with topics, and with tickers that nobody answers."""
    monkeypatch.setenv("EXCHANGES", "bitmex")
    for name in ("KRAKEN", "BITSTAMP", "COINBASE"):
        monkeypatch.setenv(f"RATES_{name}_URL", f"http://{LOOPBACK}:{free_port()}/")
    settings = make_settings()
    asyncio.run(ensure_topics(settings, ("bitmex",)))
    return settings


def quanto(number: int) -> str:
    row = {"orderID": f"q-{number}", "symbol": "ETHUSD", "side": "Sell", "price": 2500}
    return json.dumps(
        {"table": "liquidation", "action": "insert", "data": [{**row, "leavesQty": 1000}]}
    )


def events_of(settings: Settings) -> list[Liquidation]:
    """Events of BitMEX; the test itself wrote the others."""
    found = values(settings, settings.topics.events)
    return [decode(Liquidation, value) for value in found if b'"exchange":"bitmex"' in value]


@pytest.mark.slow
def test_a_quanto_order_is_valued_by_the_engines_own_bitcoin_price(  # noqa: PLR0913, PLR0917 - the whole way
    made: Settings,  # noqa: ARG001 - makes the topics
    make_settings: Callable[..., Settings],
    bitmex: LocalExchange,
    start_process: StartProcess,
    run_worker: RunWorker,
    wait_until: WaitUntil,
) -> None:
    fills = [fill(n, exchange, "BTC", usd) for n, exchange, usd in (
        (1, "kraken", "64000"), (2, "binance", "64100"), (3, "deribit", "64050"),
    )]  # fmt: skip
    with local_ticker(dict(PAIRS)) as address:
        settings = make_settings(rates_kraken_url=address)
        send(settings, settings.topics.events, *fills, ("BTC", b"not json"), ("SOL", b"{}"))
        with publishing(settings):
            wait_until(lambda: {"BTC", "ETH", "EUR", "USDT"} <= known_rates(settings).keys())
    rates = known_rates(settings)
    assert (rates["BTC"].usd, rates["BTC"].source) == (Decimal(64_050), "events")
    assert (rates["ETH"].usd, rates["ETH"].source) == (Decimal(2_500), "kraken")
    assert rates["EUR"].usd == Decimal("1.1")

    producer = start_process(bitmex)
    wait_until(lambda: bitmex.subscribers == 1)
    bitmex.publish(quanto(1)).result()
    log = FeedLog(settings)
    # The table at subscription, and the order.
    wait_until(lambda: len(log.records("bitmex", "liquidation")) == 2)
    [record] = [one for one in log.records("bitmex", "liquidation") if b"insert" in one.value]
    header = text_header(record.headers, RATES)
    assert header.startswith("BTC=64050@")
    assert ",ETH=2500@" in header
    assert ",EUR=1.1@" in header
    assert "USDT" not in header
    assert producer.stop() == 0, producer.log

    run_worker("process", "normalize", settings=settings)
    wait_until(lambda: len(events_of(settings)) == 1)
    [event] = events_of(settings)
    assert (event.value_usd, event.quantity) == (Decimal(160125), Decimal("64.05"))
    assert (event.rate, event.rate_currency) == (Decimal(64_050), "BTC")
    assert event.rate_age_ms is not None
    assert event.rate_age_ms % 1_000 == 0

    # Exported, read again and replayed, the frame keeps the rates of its time.
    lines = run_offline(settings, "export", settings.topics.raw("bitmex")).stdout
    capture = b"".join(line + b"\n" for line in lines.splitlines() if b"clock_ms" not in line)
    assert run_offline(settings, "normalize", data=capture).stdout.strip() == encode(event)
    replayed = run_offline(settings, "replay", "-", "--end-silence-seconds", "0", data=capture)
    assert replayed.returncode == 0, replayed.stderr
    wait_until(lambda: len(events_of(settings)) == 2)
    both = {replace(each, source=None) for each in events_of(settings)}
    assert both == {replace(event, source=None)}


def test_without_events_and_tickers_nothing_is_published_and_a_frame_is_rejected(
    made: Settings,
    bitmex: LocalExchange,
    start_process: StartProcess,
    run_worker: RunWorker,
    wait_until: WaitUntil,
) -> None:
    before = missing()
    with publishing(made):
        wait_until(lambda: missing() >= before + 2 * len(CURRENCIES))
    assert known_rates(made) == {}
    producer = start_process(bitmex)
    wait_until(lambda: bitmex.subscribers == 1)
    bitmex.publish(quanto(1)).result()
    run_worker("process", "normalize", settings=made)
    wait_until(lambda: len(values(made, made.topics.rejected)) == 1)
    [rejected] = [orjson.loads(value) for value in values(made, made.topics.rejected)]
    assert rejected["reason"] == "unsupported_instrument"
    assert "whose rate the frame does not have" in rejected["detail"]
    assert producer.stop() == 0


def test_rates_come_anew_a_jump_is_doubted_and_a_running_producer_follows(
    made: Settings,
    make_settings: Callable[..., Settings],
    bitmex: LocalExchange,
    start_process: StartProcess,
    wait_until: WaitUntil,
) -> None:
    prices = dict(PAIRS)
    producer = start_process(bitmex)
    log = FeedLog(made)

    def newest() -> str:
        bitmex.publish(quanto(1)).result()
        records = log.records("bitmex", "liquidation")
        return text_header(records[-1].headers, RATES) if records else ""

    with local_ticker(prices) as address, publishing(make_settings(rates_kraken_url=address)):
        wait_until(lambda: "BTC=1000@" in newest())
        prices |= {"XXBTZUSD": "1100", "XETHZUSD": "9999", "USDTZUSD": "0.9"}
        wait_until(lambda: "BTC=1100@" in newest() and "USDT=0.9@" in newest())
        assert "ETH=2500@" in newest()
        assert known_rates(made)["ETH"].usd == Decimal(2_500)
    assert producer.stop() == 0


def missing() -> float:
    """How many rates could not be told, of this process."""
    value: Any = ERRORS.labels("rate_missing")._value.get()
    return float(value)
