"""Answers of tickers: what is read, and that anything else is an error with a sentence."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from liq.devstack.ports import LOOPBACK, free_port
from liq.producers.reference.tickers import (
    MAX_ANSWER_BYTES,
    Quotes,
    Ticker,
    TickerError,
    ask,
    parse_bitstamp,
    parse_coinbase,
    parse_kraken,
    tickers,
)
from liq.runtime.errors import ConfigurationError
from liq.runtime.settings import load_settings

KRAKEN = {
    "error": [],
    "result": {
        "XXBTZUSD": {"a": ["64001", "1", "1.0"], "c": ["64000.50000", "0.01"]},
        "ZEURZUSD": {"c": ["1.08420", "100"]},
        "USDTZUSD": {"c": ["0.99980", "5"]},
        "XXRPZUSD": {"c": ["2", "5"]},
    },
}
BITSTAMP = [
    {"pair": "BTC/USD", "last": "64000", "timestamp": "1686068944"},
    {"pair": "BTC/EUR", "last": "59000"},
    {"pair": "USDC/USD", "last": "0.99991"},
]
COINBASE = {"data": {"currency": "USD", "rates": {"BTC": "0.000015625", "EUR": "0.8", "USDC": "1"}}}


@pytest.mark.parametrize(
    ("parse", "answer", "expected"),
    [
        (parse_kraken, KRAKEN, {"BTC": "64000.5", "EUR": "1.0842", "USDT": "0.9998"}),
        (parse_bitstamp, BITSTAMP, {"BTC": "64000", "USDC": "0.99991"}),
        (parse_coinbase, COINBASE, {"BTC": "64000", "EUR": "1.25"}),
    ],
)
def test_answers_are_read(
    parse: Callable[[Any], Quotes], answer: Any, expected: dict[str, str]
) -> None:
    assert parse(answer) == {currency: Decimal(usd) for currency, usd in expected.items()}


async def asked(parse: Callable[[Any], Quotes], answer: web.StreamResponse | object) -> Quotes:
    async def respond(_: web.Request) -> web.StreamResponse:
        return answer if isinstance(answer, web.StreamResponse) else web.json_response(answer)

    app = web.Application()
    app.router.add_get("/ticker", respond)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        port = free_port()
        await web.TCPSite(runner, LOOPBACK, port).start()
        return await ask(Ticker("local", f"http://{LOOPBACK}:{port}/ticker", parse))
    finally:
        await runner.cleanup()


async def test_a_ticker_is_asked_over_http() -> None:
    assert (await asked(parse_kraken, KRAKEN))["BTC"] == Decimal("64000.5")


@pytest.mark.parametrize(
    ("parse", "answer", "sentence"),
    [
        (parse_kraken, {"error": ["EQuery:Unknown asset pair"]}, "cannot be read"),
        (parse_kraken, {"error": [], "result": {}}, "no currency that is wanted"),
        (parse_kraken, {"result": {"XXBTZUSD": {"c": ["NaN"]}}}, "is no rate"),
        (parse_kraken, {"result": {"XXBTZUSD": {"c": ["0"]}}}, "is no rate"),
        (parse_kraken, {"result": {"XXBTZUSD": {"c": ["1e999999"]}}}, "is no rate"),
        (parse_kraken, {"result": {"XXBTZUSD": {"c": ["abc"]}}}, "cannot be read"),
        (parse_bitstamp, {"code": "maintenance"}, "cannot be read"),
        (parse_coinbase, {"data": {"currency": "EUR", "rates": {}}}, "not for one dollar"),
        (parse_kraken, [], "cannot be read"),
        (parse_kraken, web.Response(text="<html>"), "cannot be read"),
        (parse_kraken, web.Response(status=503), "503"),
        (parse_kraken, web.Response(body=b" " * (MAX_ANSWER_BYTES + 1)), "is over"),
    ],
)
async def test_any_other_answer_is_an_error(
    parse: Callable[[Any], Quotes], answer: object, sentence: str
) -> None:
    with pytest.raises(TickerError, match=sentence):
        await asked(parse, answer)


def test_a_ticker_that_is_away_is_an_error() -> None:
    ticker = Ticker("local", f"http://{LOOPBACK}:{free_port()}/", parse_kraken)
    with pytest.raises(TickerError, match=r"^local: "):
        asyncio.run(ask(ticker))


def test_every_address_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for ticker in tickers(load_settings()):
        setting = f"RATES_{ticker.name.upper()}_URL"
        monkeypatch.setenv(setting, f"https://example.com/{ticker.name}")
        assert f"https://example.com/{ticker.name}" in {
            each.address for each in tickers(load_settings())
        }
        monkeypatch.setenv(setting, "https://user:secret@example.com")
        with pytest.raises(ConfigurationError, match=setting):
            load_settings()
        monkeypatch.delenv(setting)
