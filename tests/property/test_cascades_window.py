"""The window's running sums against sums made anew."""

from collections import defaultdict
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from processors.cascades.entry import Entry
from processors.cascades.tally import tally_of
from processors.cascades.window import TrailingWindow

WIDTH_MS = 60_000
SLICE_MS, CELL_MS = 1_000, 500

entries = st.lists(
    st.builds(
        Entry,
        timestamp_ms=st.integers(1_000_000, 1_150_000),
        event_id=st.text("abcdef", min_size=4, max_size=4),
        micro_usd=st.integers(0, 10**13),
        price=st.sampled_from([Decimal(1), Decimal("2.5")]),
        exchange=st.sampled_from(["binance", "bybit", "okx"]),
        symbol=st.just("BTCUSDT"),
        events=st.just(1),
    ),
    max_size=60,
    unique_by=lambda entry: entry.event_id,
)


@given(entries, st.integers(990_000, 1_160_000), st.integers(990_000, 1_160_000))
def test_running_sums_are_sums(sample: list[Entry], after_ms: int, until_ms: int) -> None:
    window = TrailingWindow(WIDTH_MS)
    for entry in sample:
        window.add(entry)
    newest_ms = max((entry.timestamp_ms for entry in sample), default=0)
    inside = sorted(entry for entry in sample if entry.timestamp_ms > newest_ms - WIDTH_MS)
    slices: dict[int, int] = defaultdict(int)
    cells = defaultdict(set)
    for entry in inside:
        slices[entry.timestamp_ms // SLICE_MS] += entry.micro_usd
        cells[entry.exchange].add(entry.timestamp_ms // CELL_MS)
    bursts = [sum(slices.get(first + n, 0) for n in range(10)) for first in range(990, 1_151)]

    assert window.entries == inside
    assert window.count == len(inside)
    assert window.micro_usd == sum(entry.micro_usd for entry in inside)
    assert window.busiest_burst_micro_usd() == max(bursts)
    assert window.venue_cells == {venue: len(seen) for venue, seen in cells.items()}
    assert window.micro_usd_between(after_ms, until_ms) == sum(
        entry.micro_usd for entry in inside if after_ms < entry.timestamp_ms <= until_ms
    )


@given(entries, st.data())
def test_totals_do_not_depend_on_order_or_grouping(
    sample: list[Entry], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(sample))
    cut = data.draw(st.integers(0, len(sample)))
    merged = tally_of(shuffled[:cut])
    merged.merge(tally_of(shuffled[cut:]))
    assert merged == tally_of(sample)
