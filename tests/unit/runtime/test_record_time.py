"""The time of a raw record, whatever its headers are."""

from types import SimpleNamespace

import pytest

from liq.runtime.believed_time import written_at_ms
from liq.runtime.record_time import received_at_ns
from liq.schemas.headers import RECEIVED_AT_NS, Headers
from liq.schemas.plausible_time import EARLIEST_STORED_MS, LATEST_MS

WRITTEN_MS = 1_783_500_000_000
WRITTEN_NS = WRITTEN_MS * 1_000_000


def time_of(headers: Headers | None, timestamp: int = WRITTEN_MS) -> int:
    return received_at_ns(SimpleNamespace(headers=headers, timestamp=timestamp))


def test_the_header_counts() -> None:
    assert time_of([(RECEIVED_AT_NS, b"1783500000123456789")]) == 1_783_500_000_123_456_789


@pytest.mark.parametrize("headers", [None, (), [(RECEIVED_AT_NS, None)], [(RECEIVED_AT_NS, b"x")]])
def test_without_the_header_the_records_own_milliseconds_count(headers: Headers | None) -> None:
    assert time_of(headers) == WRITTEN_NS


@pytest.mark.parametrize(
    "stamp",
    [b"0", b"%d" % (WRITTEN_MS // 1_000), b"%d" % WRITTEN_MS, b"%d" % (LATEST_MS * 10**6)],
)
def test_a_time_in_another_unit_counts_as_absent(stamp: bytes) -> None:
    assert time_of([(RECEIVED_AT_NS, stamp)]) == WRITTEN_NS


@pytest.mark.parametrize(
    ("timestamp", "known_ms"),
    [(-1, EARLIEST_STORED_MS), (0, EARLIEST_STORED_MS), (2**63 - 1, LATEST_MS - 1)],
)
def test_an_implausible_time_of_the_record_is_moved_to_a_plausible_one(
    timestamp: int, known_ms: int
) -> None:
    record = SimpleNamespace(headers=(), timestamp=timestamp)
    assert written_at_ms(record) == known_ms
    assert received_at_ns(record) == known_ms * 1_000_000
