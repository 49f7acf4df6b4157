"""Headers that anybody may write: what is malformed is absent."""

import pytest

from liq.schemas.headers import (
    CLOCK_MS,
    FEED,
    MAX_INTEGER,
    MAX_TEXT_BYTES,
    SEQUENCE,
    Headers,
    clock_header,
    integer_header,
    text_header,
)
from liq.schemas.plausible_time import LATEST_MS


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"-1",
        b"+1",
        b"1.0",
        b"1_0",
        b" 1",
        b"1\n",
        b"\xff",
        "\u0663".encode(),
        "\u00b2".encode(),
        b"9" * 30,
        b"0" * 5_000,
        b"%d" % (MAX_INTEGER + 1),
    ],
)
def test_a_malformed_integer_is_absent(value: bytes | None) -> None:
    assert integer_header([(SEQUENCE, value)], SEQUENCE) is None


def test_the_largest_integer_is_the_largest_of_64_bits() -> None:
    assert integer_header([(SEQUENCE, b"9223372036854775807")], SEQUENCE) == MAX_INTEGER


def test_the_first_header_of_a_name_counts() -> None:
    headers: Headers = [(SEQUENCE, b"x"), (SEQUENCE, b"7")]
    assert integer_header(headers, SEQUENCE) is None
    assert integer_header([("other", b"1"), (SEQUENCE, b"7")], SEQUENCE) == 7


@pytest.mark.parametrize("headers", [None, (), [(FEED, None)]])
def test_no_headers_and_no_value_are_empty(headers: Headers | None) -> None:
    assert text_header(headers, FEED) == ""
    assert integer_header(headers, FEED) is None


def test_text_is_bounded_and_always_text() -> None:
    assert text_header([(FEED, b"\xff" + b"x" * 100_000)], FEED) == "\ufffd" + "x" * (
        MAX_TEXT_BYTES - 1
    )


@pytest.mark.parametrize(
    ("value", "clock_ms"),
    [(b"1783500000000", 1_783_500_000_000), (b"%d" % LATEST_MS, None), (b"1" * 19, None)],
)
def test_a_clock_in_another_unit_is_absent(value: bytes, clock_ms: int | None) -> None:
    assert clock_header([(CLOCK_MS, value)]) == clock_ms
