"""The text of a frame's rates: what is written is read, and nothing else is."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liq.schemas.capture import CaptureLine, parse_capture_line
from liq.schemas.codec import DecodeError, encode
from liq.schemas.dollars import is_off_peg
from liq.schemas.frame_rates import MAX_RATES, FrameRate, decode_frame_rates, encode_frame_rates

rates = st.lists(
    st.builds(
        FrameRate,
        st.text("ABCXYZ019", min_size=1, max_size=12),
        st.decimals("0.000000000001", "99999999999999", places=12),
        st.integers(0, 10**15 - 1),
    ),
    max_size=MAX_RATES,
    unique_by=lambda rate: rate.currency,
)


@given(rates)
def test_what_is_written_is_read(written: list[FrameRate]) -> None:
    read = decode_frame_rates(encode_frame_rates(written))
    assert list(read.values()) == written
    assert list(read) == [rate.currency for rate in written]


@pytest.mark.parametrize(
    "text",
    [
        *("BTC", "BTC=1", "BTC=1@", "=1@1", "BTC=@1", "btc=1@1", "BTC=1@-1", "BTC=-1@1"),
        *("BTC=1e5@1", "BTC=NaN@1", "BTC=1@1,", ",BTC=1@1", "BTC=1@1 ", "BTC=٣@1", "\ufffd"),
        *("BTC=0@1", "BTC=0.000@1", "BTC=1@1,BTC=1@1", f"BTC=1@{'1' * 16}", f"BTC={'1' * 27}@1"),
        ",".join(f"C{number}=1@1" for number in range(MAX_RATES + 1)),
        "A" * 100_000,
    ],
)
def test_anything_else_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(DecodeError, match=r"^rates: ") as caught:
        decode_frame_rates(text)
    assert len(str(caught.value)) < 200


def test_a_capture_line_without_rates_stays_readable() -> None:
    line = b'{"received_at_ns":1,"exchange":"okx","feed":"public","frame":"{}"}'
    assert not parse_capture_line(line).rates
    new = CaptureLine(received_at_ns=1, exchange="okx", feed="f", frame="", rates="BTC=1@1")
    assert parse_capture_line(encode(new)) == new


@pytest.mark.parametrize(
    ("usd", "expected"), [("1.005", False), ("0.995", False), ("1.0051", True), ("0.9949", True)]
)
def test_half_a_percent_is_still_on_the_peg(usd: str, expected: bool) -> None:  # noqa: FBT001 - a table
    assert is_off_peg(Decimal(usd)) is expected
