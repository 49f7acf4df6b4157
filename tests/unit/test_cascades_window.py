from decimal import Decimal

from processors.cascades.entry import Entry
from processors.cascades.window import MAX_ENTRIES, TrailingWindow

WIDTH_MS = 60_000


def entry(timestamp_ms: int, micro_usd: int = 1, exchange: str = "okx") -> Entry:
    return Entry(timestamp_ms, f"{timestamp_ms}", micro_usd, Decimal(1), exchange, "BTCUSDT")


def filled(count: int) -> TrailingWindow:
    window = TrailingWindow(WIDTH_MS)
    for index in range(count):
        window.add(entry(1_000_000 + index * 10))
    return window


def test_an_event_older_than_the_window_is_refused() -> None:
    window = filled(1)
    assert not window.add(entry(1_000_000 - WIDTH_MS))
    assert window.add(entry(1_000_000 - WIDTH_MS + 1))
    assert window.count == 2


def test_a_full_window_folds_and_stays_exact() -> None:
    window = filled(MAX_ENTRIES)
    assert window.add(entry(1_000_005, micro_usd=1_000))
    assert window.add(entry(999_000, micro_usd=500))
    assert len(window.entries) == MAX_ENTRIES
    assert window.count == MAX_ENTRIES + 2
    assert window.micro_usd == MAX_ENTRIES + 1_500
    assert window.micro_usd_between(0, 1_000_000) == 1_501


def test_folded_events_leave_with_their_host() -> None:
    window = filled(MAX_ENTRIES)
    window.add(entry(1_000_005, micro_usd=1_000))
    window.discard_until(1_000_000)
    assert window.count == MAX_ENTRIES - 1
    assert window.micro_usd == window.micro_usd_between(0, 2_000_000) == MAX_ENTRIES - 1
    window.discard_until(2_000_000)
    assert (window.count, window.micro_usd, window.busiest_burst_micro_usd()) == (0, 0, 0)
    assert not window.venue_cells


def test_cells_are_distinct_half_seconds_of_a_venue() -> None:
    window = TrailingWindow(WIDTH_MS)
    for timestamp_ms, exchange in (
        (1_000_000, "okx"),
        (1_000_499, "okx"),
        (1_000_500, "okx"),
        (1_000_500, "bybit"),
    ):
        window.add(entry(timestamp_ms, exchange=exchange))
    assert window.venue_cells == {"okx": 2, "bybit": 1}
