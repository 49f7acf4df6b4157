"""What the detector reads of a record's bytes is what it would see of the whole record."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liq.processors.cascades import CascadeEngine, DetectorConfig, decode_observation
from liq.processors.cascades.observation import EventView, Observation, view_event
from liq.schemas.codec import DecodeError, decode, encode
from liq.schemas.plausible_time import LATEST_MS
from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import Arrival, Completeness, PriceKind, Side
from tests.property.processors.cascades.test_cascades import log_of
from tests.property.schemas.test_codec import values
from tests.support.cascade_events import liquidation
from tests.support.examples import examples

READ = (
    *("event_id", "exchange", "symbol", "base", "side", "price", "price_kind", "value_usd"),
    *("timestamp_ms", "received_at_ms", "completeness", "arrival"),
)
DOCUMENT = json.loads(encode(liquidation("a", 0)))
NOT_READ = tuple(name for name in DOCUMENT if name not in READ)
NUMBERS = (
    *(
        "0",
        "-1",
        "0.00",
        "25000",
        "100000000000",
        "100000000000.01",
        "1" * 49,
        "0." + "0" * 24 + "1",
    ),
    *("1" + "0" * 24, "1" + "0" * 25, "1e5", "NaN", "Infinity", "1_0", " 1", "1\n", "\uff11", ""),
)
JSON_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.sampled_from([*NUMBERS, *Side, *Completeness, *PriceKind, *Arrival, "long", "LIVE"]),
    st.just([]),
    st.just({}),
)
#: A value, or Ellipsis for a field that is left out.
CHANGES = JSON_VALUES | st.just(...)


def outcome(read: Callable[[bytes], EventView], data: bytes) -> str:
    """What came out, to the last digit, or the sentence about what is wrong."""
    try:
        return repr(read(data))
    except DecodeError as error:
        return f"refused: {error}"


def view_of_whole(data: bytes) -> EventView:
    return view_event(decode(Liquidation, data))


def changed(changes: dict[str, Any]) -> bytes:
    document = {name: value for name, value in (DOCUMENT | changes).items() if value is not ...}
    return json.dumps(document).encode()


def is_out_of_bounds(data: bytes) -> bool:
    """Whether a name or the time of receipt is one that no normalizer writes."""
    document = json.loads(data)
    names = [document.get(name) for name in ("event_id", "exchange", "symbol", "base")]
    received_at_ms = document.get("received_at_ms")
    return any(type(name) is str and not 0 < len(name) <= 256 for name in names) or (
        type(received_at_ms) is int and not 0 <= received_at_ms < LATEST_MS
    )


@given(values(Liquidation))
def test_any_record_is_seen_as_the_whole_record_would_be(event: Liquidation) -> None:
    data = encode(event)
    seen = outcome(decode_observation, data)
    if is_out_of_bounds(data):
        assert seen.startswith("refused: ")
    else:
        assert seen == repr(view_event(event))


@settings(max_examples=examples(500))
@given(st.dictionaries(st.sampled_from(READ), CHANGES, min_size=1, max_size=2))
def test_a_field_that_is_read_is_refused_as_before(changes: dict[str, Any]) -> None:
    data = changed(changes)
    seen = outcome(decode_observation, data)
    if is_out_of_bounds(data):
        assert seen.startswith("refused: ")
    else:
        assert seen == outcome(view_of_whole, data)


@pytest.mark.parametrize("received_at_ms", [-1, LATEST_MS, 1_783_500_000_000_000, 2**63])
def test_a_time_that_would_stop_the_clock_for_good_is_refused(received_at_ms: int) -> None:
    with pytest.raises(DecodeError, match="received_at_ms"):
        decode_observation(changed({"received_at_ms": received_at_ms}))


@pytest.mark.parametrize("name", ["event_id", "exchange", "symbol", "base"])
@pytest.mark.parametrize("value", ["", "x" * 257])
def test_a_name_that_no_normalizer_writes_is_refused(name: str, value: str) -> None:
    with pytest.raises(DecodeError, match=f"{name}: .* characters"):
        decode_observation(changed({name: value}))


@given(st.dictionaries(st.sampled_from(NOT_READ), CHANGES, min_size=1))
def test_a_field_that_is_not_read_may_hold_anything(changes: dict[str, Any]) -> None:
    assert decode_observation(changed(changes)) == view_event(liquidation("a", 0))


@given(st.binary() | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
def test_what_is_no_object_is_refused_as_before(data: bytes) -> None:
    refused = outcome(decode_observation, data)
    assert refused == outcome(view_of_whole, data)
    assert refused.startswith("refused: ")


@settings(max_examples=examples(20))
@given(st.integers(0, 10**9))
def test_a_log_gives_the_same_bytes_either_way(seed: int) -> None:
    whole, viewed = (CascadeEngine(DetectorConfig()) for _ in range(2))
    for place, data in enumerate(map(encode, log_of(seed))):
        expected = [encode(alert) for alert in whole.apply(decode(Liquidation, data), place)]
        view = decode_observation(data)
        assert isinstance(view, Observation)
        assert [encode(alert) for alert in viewed.apply_view(view, place)] == expected
    assert viewed.partition.touched() == whole.partition.touched()
    assert list(map(encode, viewed.finish())) == list(map(encode, whole.finish()))
