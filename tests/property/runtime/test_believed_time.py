"""What is believed is bounded by the append time, stays what it is, and never runs back with it."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from liq.processors.workers.merged_fetching import MergedReader
from liq.runtime.believed_time import TOLERANCE_MS, believed_ms, receipt
from liq.runtime.record_time import received_at_ns
from liq.schemas.headers import RECEIVED_AT_NS
from liq.schemas.units import MILLISECOND_NS

times = st.integers(1_262_304_000_000, 4_102_444_799_000)


@given(st.integers(), times)
def test_a_believed_time_is_bounded_and_stays_what_it_is(claimed_ms: int, appended_ms: int) -> None:
    believed = believed_ms(claimed_ms, appended_ms)
    assert believed <= appended_ms + TOLERANCE_MS
    assert believed in {claimed_ms, appended_ms}
    assert believed_ms(believed, appended_ms) == believed


@given(st.integers(), times, st.integers(0, 10**9))
def test_a_later_append_time_never_makes_it_earlier(
    claimed_ms: int, appended_ms: int, later_ms: int
) -> None:
    assert believed_ms(claimed_ms, appended_ms) <= believed_ms(claimed_ms, appended_ms + later_ms)


@given(st.one_of(st.binary(max_size=40), st.integers().map(lambda number: b"%d" % number)), times)
def test_no_header_moves_a_clock_beyond_the_bound(text: bytes, appended_ms: int) -> None:
    record = SimpleNamespace(
        headers=((RECEIVED_AT_NS, text),), timestamp=appended_ms, key=b"", value=None
    )
    received = receipt(record)
    assert received.received_at_ns <= (appended_ms + TOLERANCE_MS) * MILLISECOND_NS
    assert received_at_ns(record) == received.received_at_ns
    # The merge orders by the same time.
    merge = MergedReader(lambda *_: {}, lambda: True)._merge
    merge.add("raw", [record])
    assert merge.oldest == received.received_at_ns
