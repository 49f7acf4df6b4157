import sys
import tracemalloc
from decimal import Decimal

import orjson
import pytest

from liq.schemas.codec import DecodeError, decimal_text, decode, encode
from liq.schemas.records import CascadeAlert, Instrument, Liquidation, Rejected, ScoreParts
from liq.schemas.vocabulary import ContractKind, RejectReason
from tests.support.sample_records import liquidation

INSTRUMENT = Instrument(
    exchange="okx",
    native_symbol="BTC-USDT-SWAP",
    base="BTC",
    quote="USDT",
    settle="USDT",
    contract=ContractKind.LINEAR,
    contract_size=Decimal("0.01"),
    as_of="2026-07-12",
)
DOCUMENT = orjson.loads(encode(INSTRUMENT))


def test_the_same_record_always_gives_the_same_bytes() -> None:
    assert encode(INSTRUMENT) == encode(decode(Instrument, encode(INSTRUMENT)))


@pytest.mark.parametrize(
    ("number", "text"),
    [("1E+3", "1000"), ("0E-8", "0.00000000"), ("1E-7", "0.0000001"), ("10.50", "10.50")],
)
def test_decimals_have_no_exponent(number: str, text: str) -> None:
    assert decimal_text(Decimal(number)) == text


def test_bytes_survive_whatever_they_are() -> None:
    rejected = Rejected(
        reason=RejectReason.NOT_JSON,
        detail="not JSON",
        exchange="binance",
        feed="usdm",
        received_at_ms=1,
        payload=bytes(range(256)),
    )
    assert decode(Rejected, encode(rejected)) == rejected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"contract_size": 0.01}, "contract_size: expected a decimal string"),
        ({"contract_size": "NaN"}, "contract_size: not a decimal"),
        ({"contract_size": "Infinity"}, "contract_size: not a decimal"),
        ({"contract_size": "a lot"}, "contract_size: not a decimal"),
        ({"contract_size": ""}, "contract_size: not a decimal"),
        ({"contract_size": " 1"}, "contract_size: not a decimal"),
        ({"contract_size": "1\n"}, "contract_size: not a decimal"),
        ({"contract_size": "1_000"}, "contract_size: not a decimal"),
        ({"contract_size": "\uff11"}, "contract_size: not a decimal"),  # a full-width 1
        ({"contract_size": "1E+99999999"}, "contract_size: not a decimal"),
        ({"contract": "circular"}, "contract: 'circular' is not one of"),
        ({"contract": None}, "contract: None is not one of"),
        ({"base": 7}, "base: expected str, got int"),
        ({"schema_version": True}, "schema_version: expected int, got bool"),
        ({"schema_version": 1.0}, "schema_version: expected int, got float"),
    ],
)
def test_a_wrong_value_is_named(change: dict[str, object], message: str) -> None:
    with pytest.raises(DecodeError, match=message):
        decode(Instrument, orjson.dumps(DOCUMENT | change))


def test_a_missing_field_is_named() -> None:
    rest = {name: value for name, value in DOCUMENT.items() if name != "base"}
    with pytest.raises(DecodeError, match="base: missing"):
        decode(Instrument, orjson.dumps(rest))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"\xff",
        b'{"price":NaN}',
        b'{"price":1e999}',
        b"[" * 100_000,
        b'{"price":' * 100_000,
        b'{"price":' * 100_000 + b"1" + b"}" * 100_000,
    ],
    ids=lambda data: repr(data[:16]),
)
def test_what_is_no_record_is_an_error_and_no_crash(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(Liquidation, data)


@pytest.mark.parametrize("speed", [True, "0.5", None])
def test_a_score_is_a_number(speed: object) -> None:
    document = {"speed": speed, "volume": 0, "imbalance": 0, "concentration": 0}
    with pytest.raises(DecodeError, match="speed: expected a number"):
        decode(ScoreParts, orjson.dumps(document))


def test_a_bad_payload_is_named() -> None:
    with pytest.raises(DecodeError, match="payload: not base64"):
        decode(
            Rejected,
            b'{"reason":"not_json","detail":"","exchange":"","feed":"","received_at_ms":1,'
            b'"payload":"@@@"}',
        )


def test_a_wrong_value_deep_inside_is_found() -> None:
    with pytest.raises(DecodeError, match="exchanges: expected an array"):
        decode(
            CascadeAlert,
            b'{"alert_id":"a","cascade_id":"c","sequence":0,"type":"CASCADE_DETECTED",'
            b'"scope":"asset","asset":"BTC","side":"LONG","started_at_ms":1,"timestamp_ms":1,'
            b'"event_count":5,"total_value_usd":"1","long_ratio":1,"exchanges":"okx"}',
        )


def test_encoded_records_need_the_memory_of_their_bytes() -> None:
    record = liquidation()
    tracemalloc.start()
    try:
        kept = [encode(record) for _ in range(100)]
        allocated, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # orjson's own results would keep 16 KiB each.
    assert allocated < 2 * sum(map(sys.getsizeof, kept))
