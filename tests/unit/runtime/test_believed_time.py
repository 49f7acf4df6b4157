from types import SimpleNamespace
from typing import Any

import pytest

from liq.runtime.believed_time import (
    AGREEMENT_MS,
    TOLERANCE_MS,
    append_time_ms,
    believed_ms,
    bounded_clock_ms,
    is_lagging,
    receipt,
)
from liq.runtime.record_time import received_at_ns
from liq.schemas.headers import CLOCK_MS, RECEIVED_AT_NS

NOW_MS = 1_783_000_000_000
NOW_NS = NOW_MS * 1_000_000
HOUR_MS = 3_600_000
NO_TIMES = [b"0", b"-1", b"1e18", b"9" * 30, b"9" * 5_000, "١٢٣".encode(), b"\xff", b" 1"]


def record(
    *headers: tuple[str, bytes | None], timestamp: int = NOW_MS, timestamp_type: int = 1
) -> Any:
    return SimpleNamespace(headers=headers, timestamp=timestamp, timestamp_type=timestamp_type)


def test_a_claim_is_believed_up_to_the_tolerance_beyond_the_append_time() -> None:
    assert believed_ms(NOW_MS - HOUR_MS, NOW_MS) == NOW_MS - HOUR_MS
    assert believed_ms(NOW_MS + TOLERANCE_MS, NOW_MS) == NOW_MS + TOLERANCE_MS
    assert believed_ms(NOW_MS + TOLERANCE_MS + 1, NOW_MS) == NOW_MS
    assert believed_ms(NOW_MS, None) == NOW_MS


@pytest.mark.parametrize("text", NO_TIMES)
def test_for_a_header_that_is_no_time_the_record_s_own_counts(text: bytes) -> None:
    received = receipt(record((RECEIVED_AT_NS, text)))
    assert (received.received_at_ns, received.stamped_ns) == (NOW_NS, None)
    assert not received.is_believed


@pytest.mark.parametrize("headers", [(), ((RECEIVED_AT_NS, None),), ((RECEIVED_AT_NS, b""),)])
def test_a_record_without_the_header_says_nothing_wrong(headers: Any) -> None:
    received = receipt(record(*headers))
    assert (received.received_at_ns, received.is_believed) == (NOW_NS, True)


@pytest.mark.parametrize("timestamp_type", [0, 1])
def test_a_time_of_either_type_bounds_the_header(timestamp_type: int) -> None:
    ahead = b"%d" % (NOW_NS + HOUR_MS * 1_000_000)
    assert received_at_ns(record((RECEIVED_AT_NS, ahead), timestamp_type=timestamp_type)) == NOW_NS


def test_a_record_without_a_time_bounds_nothing() -> None:
    bare = record((RECEIVED_AT_NS, b"%d" % NOW_NS), timestamp=-1)
    assert append_time_ms(bare) is None
    assert received_at_ns(bare) == NOW_NS


def test_a_thousandfold_time_is_not_believed() -> None:
    assert received_at_ns(record((RECEIVED_AT_NS, b"%d" % (NOW_NS * 1_000)))) == NOW_NS
    assert received_at_ns(record((RECEIVED_AT_NS, b"%d" % NOW_MS))) == NOW_NS


@pytest.mark.parametrize("text", [*NO_TIMES, b"", b"%d" % (NOW_MS * 1_000)])
def test_a_heartbeat_without_a_time_has_no_clock(text: bytes) -> None:
    assert bounded_clock_ms(record((CLOCK_MS, text))) is None


def test_a_heartbeat_has_no_clock_beyond_its_append_time() -> None:
    assert bounded_clock_ms(record((CLOCK_MS, b"%d" % (NOW_MS + HOUR_MS)))) == NOW_MS


@pytest.mark.parametrize(
    ("received_ms", "venue_ms", "appended_ms", "expected"),
    [
        (NOW_MS - HOUR_MS, NOW_MS, NOW_MS, True),
        (NOW_MS - HOUR_MS, NOW_MS - AGREEMENT_MS, NOW_MS, True),
        (NOW_MS - HOUR_MS, NOW_MS - AGREEMENT_MS - 1, NOW_MS, False),  # held, or replayed
        (NOW_MS - HOUR_MS, NOW_MS - HOUR_MS, NOW_MS, False),  # held
        (NOW_MS - HOUR_MS, NOW_MS + TOLERANCE_MS + 1, NOW_MS, False),  # the venue's clock
        (NOW_MS, NOW_MS + HOUR_MS, NOW_MS, False),  # the venue's clock
        (NOW_MS - TOLERANCE_MS, NOW_MS, NOW_MS, False),
        (NOW_MS - HOUR_MS, NOW_MS, None, False),
    ],
)
def test_a_clock_lags_where_venue_and_broker_agree(
    received_ms: int,
    venue_ms: int,
    appended_ms: int | None,
    expected: bool,  # noqa: FBT001
) -> None:
    assert is_lagging(received_ms, venue_ms, appended_ms) is expected
