from liq.processors.cascades.venue_clocks import (
    LEAST_LAG_SECONDS,
    MOST_LAG_SECONDS,
    MOST_VENUES,
    SAMPLES,
    VenueClocks,
)

START_MS = 1_783_000_000_000
LAG_MS = 180_000


def feed(clocks: VenueClocks, lags_ms: list[int], exchange: str = "okx") -> list[int]:
    """Events a second apart; what is added to the time of each."""
    times_ms = [START_MS + number * 1_000 for number in range(len(lags_ms))]
    return [
        clocks.lag_ms(exchange, at_ms, at_ms - lag_ms)
        for at_ms, lag_ms in zip(times_ms, lags_ms, strict=True)
    ]


def test_a_constant_lag_is_added_once_it_was_seen_in_enough_seconds() -> None:
    assert feed(VenueClocks(), [LAG_MS + 300] * 12) == [0] * SAMPLES + [LAG_MS] * (12 - SAMPLES)


def test_nothing_is_written_of_a_clock_that_is_right() -> None:
    clocks = VenueClocks()
    feed(clocks, [200] * 3)
    assert clocks.to_text() == ""


def test_a_right_time_ends_it() -> None:
    added = feed(VenueClocks(), [LAG_MS] * 10 + [200] + [LAG_MS] * 3)
    assert added[9:] == [LAG_MS, 0, 0, 0, 0]


def test_a_lag_that_grows_is_no_clock() -> None:
    assert not any(feed(VenueClocks(), [LAG_MS + number * 1_000 for number in range(30)]))


def test_usual_delays_and_histories_are_no_clocks() -> None:
    assert not any(feed(VenueClocks(), [(LEAST_LAG_SECONDS - 1) * 1_000] * 30))
    assert not any(feed(VenueClocks(), [(MOST_LAG_SECONDS + 1) * 1_000] * 30))


def test_what_arrives_at_once_is_no_clock() -> None:
    clocks = VenueClocks()
    assert not any(clocks.lag_ms("okx", START_MS, START_MS - LAG_MS) for _ in range(100))


def test_the_order_within_a_second_does_not_matter() -> None:
    one, other = VenueClocks(), VenueClocks()
    for number in range(12):
        at_ms = START_MS + number * 1_000
        lags_ms = [LAG_MS, LAG_MS + 4_000, LAG_MS + 2_000]
        there = [one.lag_ms("okx", at_ms, at_ms - lag_ms) for lag_ms in lags_ms]
        back = [other.lag_ms("okx", at_ms, at_ms - lag_ms) for lag_ms in reversed(lags_ms)]
        assert there == back[::-1]
    assert one.to_text() == other.to_text()


def test_the_state_goes_on_from_its_text() -> None:
    clocks = VenueClocks()
    feed(clocks, [LAG_MS] * 10)
    later_ms = START_MS + 60_000
    restored = VenueClocks.from_text(clocks.to_text())
    for each in (restored, clocks):
        assert each.lag_ms("okx", later_ms, later_ms - LAG_MS) == LAG_MS
    assert restored.to_text() == clocks.to_text()


def test_a_text_of_somebody_else_is_no_state() -> None:
    for text in ("", "?", "[]", "1", '{"okx":1}', '{"okx":[1,[2],[]]}', '{"okx":["a",[1,2],[]]}'):
        assert VenueClocks.from_text(text).to_text() == ""


def test_the_text_fits_what_a_broker_keeps_with_an_offset() -> None:
    clocks = VenueClocks()
    for number in range(MOST_VENUES + 5):
        feed(clocks, [LAG_MS] * 12, exchange=f"{number:020}")
    assert len(clocks.to_text()) < 3_500
