"""Record keys: the native symbol where it is expected, the exchange's name everywhere else."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liq.producers.feeds.record_key import MAX_KEY_BYTES, record_key
from tests.support.paths import CAPTURES

EXCHANGES = ("binance", "bybit", "okx", "hyperliquid", "unheard-of")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("stream", "data", "o", "s", "topic", "instId", "fills", "coin")),
            inner,
            max_size=4,
        )
    ),
)


@pytest.mark.parametrize(
    ("exchange", "frame", "key"),
    [
        ("binance", {"e": "forceOrder", "o": {"s": "BTCUSDT"}}, b"BTCUSDT"),
        ("binance", {"stream": "x@forceOrder", "data": {"o": {"s": "ETHUSDT"}}}, b"ETHUSDT"),
        ("bybit", {"topic": "allLiquidation.SOLUSDT", "data": []}, b"SOLUSDT"),
        ("bybit", {"topic": "liquidation.BTCUSD", "data": {}}, b"BTCUSD"),
        ("okx", {"arg": {}, "data": [{"instId": "BTC-USDT-SWAP"}]}, b"BTC-USDT-SWAP"),
        ("hyperliquid", {"channel": "trades", "data": [{"coin": "HYPE"}]}, b"HYPE"),
        ("hyperliquid", {"channel": "userFills", "data": {"fills": [{"coin": "@1"}]}}, b"@1"),
        ("gate", {"result": {"contract": "BTC_USDT", "size": 1}}, b"BTC_USDT"),
        ("gate", {"result": [{"contract": "BTC_USDT", "size": 1}]}, b"BTC_USDT"),
        ("gate", {"event": "subscribe", "result": {"status": "success"}}, b"gate"),
        ("bitfinex", [1, [["pos", 1, 2, None, "tBTCF0:USTF0"]], 7, 8], b"tBTCF0:USTF0"),
        ("hyperliquid", {"fills": [["0x", {"coin": "SOL"}]]}, b"SOL"),
        ("hyperliquid", {"events": [["0x", {"coin": "SOL"}]]}, b"SOL"),
        ("hyperliquid", ["0x", {"coin": "SOL"}], b"SOL"),
        ("binance", {"o": {"s": "币安人生USDT"}}, "币安人生USDT".encode()),
        ("binance", {"o": {"s": "币" * 128}}, ("币" * 128).encode()),
        ("okx", {"arg": {}, "data": []}, b"okx"),
        ("binance", {"o": {"s": ""}}, b"binance"),
        ("binance", {"o": {"s": 5}}, b"binance"),
        ("binance", {"o": {"s": "X" * (MAX_KEY_BYTES + 1)}}, b"binance"),
        ("binance", [1], b"binance"),
        ("unheard-of", {"o": {"s": "BTCUSDT"}}, b"unheard-of"),
    ],
)
def test_key_of_a_frame(exchange: str, frame: object, key: bytes) -> None:
    assert record_key(exchange, json.dumps(frame).encode()) == key


@pytest.mark.parametrize("path", sorted(CAPTURES.glob("*.jsonl.gz")), ids=lambda path: path.name)
def test_every_recorded_frame_has_a_symbol(path: Path) -> None:
    for line in map(json.loads, gzip.decompress(path.read_bytes()).splitlines()):
        key = record_key(line["exchange"], line["frame"].encode())
        assert key != line["exchange"].encode()
        assert key.decode() in line["frame"]


@given(st.sampled_from(EXCHANGES), st.binary())
def test_any_bytes_have_a_key(exchange: str, frame: bytes) -> None:
    assert 0 < len(record_key(exchange, frame)) <= MAX_KEY_BYTES


@given(st.sampled_from(EXCHANGES), json_values)
def test_any_json_has_a_key(exchange: str, frame: object) -> None:
    assert 0 < len(record_key(exchange, json.dumps(frame).encode())) <= MAX_KEY_BYTES


def test_deep_nesting_has_a_key() -> None:
    assert record_key("binance", b"[" * 100_000 + b"]" * 100_000) == b"binance"
