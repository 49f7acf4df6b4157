"""Records to calls of the script, and names to keys: pure."""

from dataclasses import dataclass, replace
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from redis.exceptions import (
    AskError,
    AuthenticationError,
    BusyLoadingError,
    MasterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from liq.runtime.settings import Settings
from liq.schemas.codec import DecodeError, encode
from liq.schemas.headers import Headers
from liq.schemas.records import CascadeAlert, Liquidation
from liq.sinks.destination import FailureKind
from liq.sinks.redis.client import shown_address
from liq.sinks.redis.destination import RedisDestination
from liq.sinks.redis.encoding import (
    CALL_RECORDS,
    MAX_VALUE_USD,
    Bounds,
    calls,
    places_of,
)
from liq.sinks.redis.failures import classify
from liq.sinks.redis.layout import Layout, escaped
from liq.sinks.redis.reading import micro_dollars, read_event
from tests.support.sample_records import alert, liquidation

TOPICS = {"events": Liquidation, "cascades": CascadeAlert}
BOUNDS = Bounds(keep_ms=7_200_000, last_count=10, alerts_count=20)


@dataclass(frozen=True)
class Record:
    topic: str
    partition: int
    offset: int
    value: bytes | None
    timestamp: int = 1_783_500_000_000
    headers: Headers = ()


@given(st.text(), st.text())
def test_different_names_never_share_a_key(first: str, second: str) -> None:
    try:
        found = escaped(first), escaped(second)
    except UnicodeEncodeError:  # half a surrogate pair, which no record can have
        return
    assert (found[0] == found[1]) == (first == second)
    assert not set("".join(found)) & set(":*?[]{} \r\n\"'\\")
    assert "".join(found).isascii()


@given(st.decimals(min_value=0, max_value=MAX_VALUE_USD, allow_nan=False, places=12))
def test_dollars_are_rounded_once_to_millionths(value: Decimal) -> None:
    assert abs(Decimal(micro_dollars(value)) / 10**6 - value) <= Decimal("0.0000005")
    assert 0 <= micro_dollars(value) <= 10**16


def test_a_call_has_each_key_once_and_the_positions_of_its_partitions() -> None:
    count = CALL_RECORDS + 3
    records = [
        Record("events", number % 2, number // 2, encode(liquidation(number)))
        for number in range(count)
    ]
    first, second = calls(records, TOPICS, Layout("p"), BOUNDS)
    assert len(set(first.keys)) == len(first.keys)
    assert first.keys[0] == "p:sink"
    assert len(first.document["types"]) == len(first.keys)
    stored = {("events", 0): ("a@7", 7), ("events", 1): ("", 0)}
    logs = {("events", 0): "a", ("events", 1): "a"}
    document = orjson.loads(first.text(places_of(first, logs, stored)))
    assert document["places"] == [
        {
            "field": "position:events:0",
            "log": "a",
            "expected": "a@7",
            "from_offset": 7,
            "end_offset": CALL_RECORDS // 2,
        },
        {
            "field": "position:events:1",
            "log": "a",
            "expected": "",
            "from_offset": 0,
            "end_offset": CALL_RECORDS // 2,
        },
    ]
    assert len(second.document["events"]) == 3


def test_refused_records_count_as_stored_and_their_neighbours_stay() -> None:
    late = replace(liquidation(2), received_at_ms=1_900_000_000_000)
    records = [
        Record("events", 0, 4, b"{"),
        Record("events", 0, 5, encode(late)),
        Record("cascades", 0, 9, encode(replace(alert(), sequence=-1))),
    ]
    (call,) = calls(records, TOPICS, Layout("p"), BOUNDS)
    assert [each.reason for each in call.refusals] == ["undecodable_record", "beyond_the_hot_state"]
    assert call.partitions == {("events", 0): 6, ("cascades", 0): 10}
    # A producer's clock that is far ahead of the broker's does not move the log's.
    assert call.document["clock_ms"] == records[1].timestamp + 5_000


@pytest.mark.parametrize(
    ("error", "kind", "label"),
    [
        (AuthenticationError("WRONGPASS"), FailureKind.SETUP, "login"),
        (NoPermissionError("no right"), FailureKind.SETUP, "no_permission"),
        (OutOfMemoryError("used memory > 'maxmemory'"), FailureKind.SETUP, "out_of_memory"),
        (AskError("1 127.0.0.1:1"), FailureKind.SETUP, "cluster"),
        (ResponseError("WRONGTYPE p:last is no zset"), FailureKind.SETUP, "wrongtype"),
        (ResponseError("MISCONF errors writing to disk"), FailureKind.SETUP, "misconf"),
        (BusyLoadingError("loading"), FailureKind.RETRY, "unreachable"),
        (ReadOnlyError("a replica"), FailureKind.RETRY, "refused"),
        (MasterDownError("link is down"), FailureKind.RETRY, "refused"),
        (ResponseError("NOREPLICAS not enough"), FailureKind.RETRY, "refused"),
    ],
)
def test_a_failure_says_who_has_to_act(error: RedisError, kind: FailureKind, label: str) -> None:
    failure = classify(error, "redis://here:6379/0")
    assert (failure.kind, failure.label) == (kind, label)
    assert "redis://here:6379/0" in failure.sentence


def test_a_password_stands_in_no_sentence() -> None:
    settings = Settings(redis_url="redis://me:geheim@here/1")  # type: ignore[arg-type]
    assert shown_address(settings) == "redis://here:6379/1"
    assert settings.masked()["REDIS_URL"] == "********"
    assert "geheim" not in repr(settings)
    failure = RedisDestination(settings).classify(ResponseError("no"))
    assert failure is not None
    assert "geheim" not in failure.sentence
    assert RedisDestination(settings).classify(ValueError("ours")) is None


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "http://x",
            "redis://",
            "redis://x:y",
            "redis://x/db",
            "redis://x?db=1",
            "redis://x:0",
        ),
        *("redis://:geheim@x:99999", "unix:///tmp/x", "redis://:geheim@[x"),
    ],
)
def test_a_wrong_address_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ValidationError, match="give an address like") as caught:
        Settings(redis_url=url)  # type: ignore[arg-type]
    assert "geheim" not in "; ".join(error["msg"] for error in caught.value.errors())


def test_a_record_is_read_as_the_codec_reads_it() -> None:
    for number in range(50):
        made = liquidation(number)
        event = read_event(encode(made))
        assert (event.event_id, event.asset, event.side) == (made.event_id, made.base, made.side)
        assert (event.value_usd, Decimal(event.level)) == (made.value_usd, made.price_level)
        shown = orjson.loads(event.shown)
        assert shown == {name: orjson.loads(encode(made))[name] for name in shown}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base", 7), ("event_id", None), ("side", "BUY"), ("value_usd", "1e5"),
        ("value_usd", 5), ("price", "1" * 65), ("quantity", "\u0661"), ("price_level", ["1"]),
        ("price_level", "x"), ("timestamp_ms", True), ("timestamp_ms", "1"),
        ("received_at_ms", 1.5), ("is_institutional", 1), ("exchange", {}),
    ],
)  # fmt: skip
def test_a_field_of_another_type_is_named(name: str, value: object) -> None:
    document = orjson.loads(encode(liquidation()))
    with pytest.raises(DecodeError):
        read_event(orjson.dumps({**document, name: value}))
    del document[name]
    with pytest.raises(DecodeError, match=f"{name} is missing"):
        read_event(orjson.dumps(document))


@pytest.mark.parametrize("value", [b"", b"[]", b"7", b"null", b'"x"', b"\xff"])
def test_what_is_no_record_is_refused(value: bytes) -> None:
    with pytest.raises(DecodeError):
        read_event(value)
