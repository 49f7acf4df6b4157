"""Hostile and broken frames become rejections of bounded size, and nothing else."""

from decimal import Decimal
from typing import Any

import orjson
import pytest

from liq.processors.normalizers import (
    FrameMetadata,
    InstrumentBook,
    NormalizerConfig,
    load_snapshot,
    normalize,
)
from liq.processors.normalizers.errors import EntryError
from liq.processors.normalizers.fields import check_symbol
from liq.processors.normalizers.reading import MAX_REJECTIONS
from liq.schemas.records import Liquidation, Rejected, Source
from liq.schemas.vocabulary import RejectReason

RECEIVED_AT_MS = 1_752_833_854_600
CONFIG = NormalizerConfig(Decimal(100_000), Decimal(100))
ORDER = {
    "s": "BTCUSDT",
    "S": "SELL",
    "p": "118000",
    "ap": "118100.5",
    "z": "0.25",
    "T": 1_752_833_854_582,
}


def run(
    frame: bytes, exchange: str = "binance", feed: str = "usdm", book: InstrumentBook | None = None
) -> list[Liquidation | Rejected]:
    metadata = FrameMetadata(exchange, feed, RECEIVED_AT_MS, Source("raw", 1, 2))
    return normalize(frame, metadata, book or load_snapshot(), CONFIG)


def run_order(**changes: Any) -> Liquidation | Rejected:
    frame = orjson.dumps({"e": "forceOrder", "o": {**ORDER, **changes}})
    (result,) = run(frame)
    return result


def reason_of(result: Liquidation | Rejected) -> RejectReason:
    assert isinstance(result, Rejected), result
    return result.reason


def test_an_ordinary_order_is_an_event() -> None:
    event = run_order()
    assert isinstance(event, Liquidation)
    assert event.value_usd == Decimal("29525.125")
    assert event.source == Source("raw", 1, 2)


@pytest.mark.parametrize(
    "frame",
    [b"", b"{", b"\xff\xfe", b"NaN", b"[" * 100_000, b'{"a":' * 2_000, b"pong"],
    ids=["empty", "cut", "not UTF-8", "NaN", "deep array", "deep object", "another venue's pong"],
)
def test_what_is_not_json_is_rejected_with_its_bytes(frame: bytes) -> None:
    (result,) = run(frame)
    assert isinstance(result, Rejected)
    assert result.reason is RejectReason.NOT_JSON
    assert result.payload == frame
    assert result.source == Source("raw", 1, 2)


@pytest.mark.parametrize("frame", [b"[]", b"1", b"null", b'"text"', b"{}", b'{"e":"trade"}'])
@pytest.mark.parametrize(
    ("exchange", "feed"),
    [
        ("binance", "usdm"),
        ("bybit", "linear"),
        ("bybit", "inverse"),
        ("okx", "public"),
        ("hyperliquid", "userFills"),
        ("hyperliquid", "trades"),
    ],
)
def test_an_unknown_shape_is_an_unknown_message(exchange: str, feed: str, frame: bytes) -> None:
    (result,) = run(frame, exchange, feed)
    assert reason_of(result) is RejectReason.UNKNOWN_MESSAGE


def test_an_unknown_exchange_and_an_unknown_feed() -> None:
    (unknown,) = run(b"{}", "mtgox", "usdm")
    assert reason_of(unknown) is RejectReason.UNKNOWN_EXCHANGE
    (feed,) = run(b"{}", "binance", "spot")
    assert reason_of(feed) is RejectReason.UNKNOWN_MESSAGE


@pytest.mark.parametrize("name", sorted(ORDER))
def test_every_field_is_needed(name: str) -> None:
    order = {key: value for key, value in ORDER.items() if key != name}
    (result,) = run(orjson.dumps({"e": "forceOrder", "o": order}))
    assert reason_of(result) is RejectReason.MISSING_FIELD
    assert isinstance(result, Rejected)
    assert result.detail.startswith(name)


@pytest.mark.parametrize("name", sorted(ORDER))
@pytest.mark.parametrize("value", [None, True, [], {}], ids=repr)
def test_a_field_of_the_wrong_type_counts_as_missing(name: str, value: object) -> None:
    assert reason_of(run_order(**{name: value})) is RejectReason.MISSING_FIELD


@pytest.mark.parametrize("name", ["ap", "z"])
@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "Infinity",
        "-1",
        "",
        ".",
        "1.2.3",
        "1_000",
        " 1",
        "1 ",
        "0x10",
        "٣",
        "1" * 27,
        "9" * 400,
        "1e26",
        "1e-13",
        "0." + "0" * 38 + "1",
    ],
)
def test_absurd_numbers(name: str, text: str) -> None:
    assert reason_of(run_order(**{name: text})) is RejectReason.INVALID_NUMBER


def test_a_quantity_of_zero_is_no_liquidation() -> None:
    assert reason_of(run_order(z="0.000")) is RejectReason.INVALID_NUMBER


def test_both_prices_zero_leave_no_price() -> None:
    assert reason_of(run_order(ap="0", p="0")) is RejectReason.INVALID_NUMBER


def test_two_large_numbers_whose_product_does_not_fit() -> None:
    assert reason_of(run_order(ap="1" * 20, z="1" * 20)) is RejectReason.INVALID_NUMBER


def test_a_value_that_rounds_to_nothing() -> None:
    assert reason_of(run_order(ap="0.0000001", z="0.0000001")) is RejectReason.INVALID_NUMBER


@pytest.mark.parametrize(
    ("timestamp", "accepted"),
    [
        (1_262_303_999_999, False),
        (1_262_304_000_000, True),
        (RECEIVED_AT_MS + 86_400_000, True),
        (RECEIVED_AT_MS + 86_400_001, False),
        (str(RECEIVED_AT_MS), True),
        ("1752833854.582", False),
        ("9" * 400, False),
        ("9" * 5_000, False),
        (1.5, False),
        (2**64 - 1, False),
        (-1, False),
    ],
)
def test_times_before_2010_or_a_day_ahead(timestamp: object, accepted: bool) -> None:  # noqa: FBT001 - a table's column
    result = run_order(T=timestamp)
    if accepted:
        assert isinstance(result, Liquidation)
    else:
        assert reason_of(result) is RejectReason.INVALID_TIMESTAMP


def test_an_integer_too_wide_for_the_parser_is_no_time() -> None:
    frame = orjson.dumps({"e": "forceOrder", "o": ORDER}).replace(b"1752833854582", b"9" * 40)
    (result,) = run(frame)
    assert reason_of(result) is RejectReason.INVALID_TIMESTAMP


@pytest.mark.parametrize("side", ["", "sell", "Buy", "BOTH", "S" * 1000])
def test_unknown_sides(side: str) -> None:
    assert reason_of(run_order(S=side)) is RejectReason.INVALID_SIDE


INVISIBLE = {
    "empty": "",
    "over-long": "A" * 125 + "USDT",
    "a line end (Cc)": "BTC\nUSDT",
    "NUL (Cc)": "BTC\0USDT",
    "C1 control (Cc)": "BTC\x85USDT",
    "right to left override (Cf)": "BTC\u202eUSDT",
    "isolate (Cf)": "\u2066BTCUSDT",
    "zero width space (Cf)": "BTC\u200bUSDT",
    "byte order mark (Cf)": "\ufeffBTCUSDT",
    "soft hyphen (Cf)": "BTC\u00adUSDT",
    "a tag (Cf)": "BTC\U000e0041USDT",
    "line separator (Zl)": "BTC\u2028USDT",
    "paragraph separator (Zp)": "BTC\u2029USDT",
    "only spaces before the quote": " \u3000USDT",
}


@pytest.mark.parametrize("symbol", INVISIBLE.values(), ids=INVISIBLE.keys())
def test_symbols_that_hide_something_are_refused(symbol: str) -> None:
    assert reason_of(run_order(s=symbol)) is RejectReason.INVALID_SYMBOL


def test_half_a_surrogate_pair_is_no_symbol() -> None:
    with pytest.raises(EntryError, match="is no symbol"):
        check_symbol("BTC\ud800USDT")


@pytest.mark.parametrize(
    "base",
    [
        "币安人生",
        "ビットコイン",
        "비트코인",
        "биткойн",
        "بتكوين",
        "ΕΥΡΩ",
        "é",
        "e\u0301",  # not the same symbol as the composed letter: names are never normalized
        "\uff22\uff34\uff23",
        "₿",
        "\U0001f680",
        "BTC'; --",
        "A B",
        "<b>",
        "A" * 124,
    ],
)
def test_symbols_in_any_script_are_kept_as_they_are(base: str) -> None:
    event = run_order(s=base + "USDT")
    assert isinstance(event, Liquidation)
    assert (event.base, event.symbol) == (base, base + "USDT")
    assert event.native_symbol == base + "USDT"


def test_a_glitch_beyond_any_market_is_implausible() -> None:
    for changes in ({"z": "9" * 26, "ap": "1"}, {"z": "2e20", "ap": "1e-9"}):
        assert reason_of(run_order(**changes)) is RejectReason.IMPLAUSIBLE
    assert isinstance(run_order(z="1e12", ap="1"), Liquidation)


def test_a_quote_without_a_base_is_no_symbol() -> None:
    assert reason_of(run_order(s="USDT")) is RejectReason.INVALID_SYMBOL


@pytest.mark.parametrize("user", ["0x12", "'; DROP TABLE", "0x" + "g" * 40])
def test_users_that_are_no_addresses(user: str) -> None:
    frame = orjson.dumps({"channel": "userFills", "data": {"user": user, "fills": []}})
    (result,) = run(frame, "hyperliquid", "userFills")
    assert reason_of(result) is RejectReason.INVALID_SYMBOL


def test_a_megabyte_in_a_field_is_not_echoed() -> None:
    for name in ("s", "S", "ap", "T"):
        result = run_order(**{name: "x" * 1_000_000})
        assert isinstance(result, Rejected)
        assert len(result.detail) < 200


def test_a_megabyte_of_field_names_is_not_echoed() -> None:
    (result,) = run(orjson.dumps({"x" * 500_000: 1, "y" * 500_000: 2}))
    assert isinstance(result, Rejected)
    assert len(result.detail) < 500


def test_a_frame_full_of_bad_entries_does_not_multiply_itself() -> None:
    good = {"T": RECEIVED_AT_MS, "s": "BTCUSDT", "S": "Buy", "v": "1", "p": "2"}
    rows = [0] * 5_000 + [good]
    frame = orjson.dumps({"topic": "allLiquidation.BTCUSDT", "data": rows})
    results = run(frame, "bybit", "linear")
    rejections = [result for result in results if isinstance(result, Rejected)]
    assert [rejected.entry for rejected in rejections] == list(range(MAX_REJECTIONS))
    assert f"{5_000 - MAX_REJECTIONS} more entries" in rejections[-1].detail
    assert len(results) == MAX_REJECTIONS + 1
    assert isinstance(results[-1], Liquidation)
